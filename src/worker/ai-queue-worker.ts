import { EventEmitter } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import {
  carryOut,
  Drain,
  type DrainObserver,
  EXPORTS_AT_END,
  type Settlement,
  type SettleReply,
} from "../compose.ts"
import { kindOf } from "../core/errors.ts"
import { newOperationId } from "../core/ids.ts"
import { setPlainTimer } from "../core/timers.ts"
import { type Crew, openCrew } from "./crew.ts"
import { emitSettled, type WorkerEvents } from "./events.ts"
import { HealthChecks } from "./health-checks.ts"
import type { Watcher } from "./lookout.ts"
import type { AIQueueWorkerOptions } from "./options.ts"
import { Statistics, type WorkerStats } from "./statistics.ts"

/** Of the time that `stop` may take: to record what was broken off, and what came last. */
const CLOSING_SHARE = 0.2
const LONGEST_CLOSING_MS = 5000
/** So many answers travel together: all that one claim started, when they end together. */
const LEAST_SETTLE_GROUP = 20
const MOST_SETTLE_GROUP = 200

/**
 * Drains the queue in a process of its own, beside the deployed Worker and any number of others: the same drain, without
 * the limits of an invocation. Settings come from the Worker's variables.
 *
 * @example
 * ```ts
 * const worker = new AIQueueWorker({ redis: { url, token }, queueName: "default", concurrency: 10 })
 * worker.on("failed", ({ requestId, error }) => console.warn(requestId, error.code))
 * await worker.start()
 * process.once("SIGTERM", () => worker.stop())
 * ```
 */
export class AIQueueWorker extends EventEmitter<WorkerEvents> {
  /** Signs its leases, together with an epoch: `worker-app-1`. */
  readonly name: string
  readonly #crew: Crew
  readonly #statistics: Statistics
  readonly #health: HealthChecks
  #state: WorkerStats["state"] = "stopped"
  #startedAt = 0
  #owner = ""
  #drain: Drain | null = null
  /** Spans of the last drain, on their way. */
  #sending: Promise<number> | undefined
  #work = Promise.resolve()
  #stopping: Promise<void> | null = null
  /** Ends the rest between two drains. */
  #wake: () => void = () => {}

  /** Makes no call. Throws `SettingsError`, which names the argument or variable that is missing or wrong. */
  constructor(options: AIQueueWorkerOptions = {}, crew: Crew = openCrew(options)) {
    super()
    this.#crew = crew
    this.name = `worker-${crew.settings.name}-${crew.nextNumber()}`
    this.#statistics = new Statistics(crew.deps.clock)
    const isWanted = () => options.onHealth !== undefined || this.listenerCount("health") > 0
    this.#health = new HealthChecks(crew, isWanted, (queue, checkedAt) => {
      const health = { name: this.name, checkedAt, queue, stats: this.getStats() }
      this.#guard("health", () => this.emit("health", health))
      this.#guard("onHealth", () => options.onHealth?.(health))
    })
  }

  /** Begins to claim. Resolves at once, also when the store is away; after a `stop`, once that has ended. Does nothing while it runs. */
  async start(): Promise<void> {
    if (this.#isUp) return
    await this.#stopping
    // A store that hangs can have kept the last drain for longer than its stop.
    await this.#work
    if (this.#state !== "stopped") return
    this.#state = "running"
    this.#startedAt = this.#crew.deps.clock()
    this.#owner = `${this.name}:${newOperationId()}`
    this.#crew.lookout.join(this.#watcher)
    this.#crew.alertRounds.join(this)
    this.#health.start()
    this.#work = this.#run()
  }

  /**
   * Claims no more and waits for what is in work; shortly before `maxProcessingTime` is over, calls that still run are
   * broken off and their requests go back to their line. Resolves when all is recorded, at the latest when
   * `maxProcessingTime` is over. Every call of it waits for the same end.
   */
  stop(): Promise<void> {
    if (this.#state === "stopped") return Promise.resolve()
    this.#stopping ??= this.#stop().finally(() => {
      this.#state = "stopped"
      this.#stopping = null
    })
    return this.#stopping
  }

  /** Claims no more until `resume`; what is in work is finished. */
  pause(): void {
    if (this.#state === "running") this.#state = "paused"
  }

  resume(): void {
    if (this.#state !== "paused") return
    this.#state = "running"
    this.wake()
  }

  /** Looks for requests now: for who has just enqueued some in the same process. */
  wake(): void {
    if (this.#drain === null) this.#wake()
    else this.#drain.wake(0)
  }

  getStats(): WorkerStats {
    const isUp = this.#state !== "stopped"
    return {
      state: this.#state,
      ...this.#statistics.read(),
      inFlight: this.#drain?.hand.size ?? 0,
      uptimeMs: isUp ? this.#crew.deps.clock() - this.#startedAt : 0,
    }
  }

  /** Drains again and again, and rests while there is nothing to do. */
  async #run(): Promise<void> {
    const { deps } = this.#crew
    while (this.#isUp) {
      if (this.#state === "running") {
        const drain = this.#newDrain()
        this.#drain = drain
        await carryOut(drain)
        this.#drain = null
        this.#sending = deps.tracing?.flush(EXPORTS_AT_END)
        // Whoever woke it meanwhile told the drain.
        if (drain.nextAt !== null && drain.nextAt <= deps.clock()) continue
        if (this.#isUp) this.#guard("idle", () => this.emit("idle"))
      }
      await this.#rest()
    }
  }

  #newDrain(): Drain {
    const concurrency = this.#crew.deps.config.drainConcurrency
    return new Drain(this.#crew.deps, {
      ...{ owner: this.#owner, concurrency, observer: this.#observer },
      // One that is taken back must not keep a process that stops.
      setTimer: setPlainTimer,
      place: {
        ...{ wallMs: Number.POSITIVE_INFINITY, providerSlots: concurrency, storeSlots: concurrency },
        settleGroup: Math.min(Math.max(concurrency, LEAST_SETTLE_GROUP), MOST_SETTLE_GROUP),
      },
      steer: () => (this.#state === "running" ? "go_on" : "stop"),
    })
  }

  #rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      if (!this.#isUp) resolve()
    })
  }

  async #stop(): Promise<void> {
    const { deps, lookout, alertRounds } = this.#crew
    this.#state = "stopping"
    lookout.leave(this.#watcher)
    alertRounds.leave(this)
    this.#health.stop()
    const ms = deps.config.maxProcessingTimeMs
    const closingMs = Math.min(ms * CLOSING_SHARE, LONGEST_CLOSING_MS)
    const ended = new AbortController()
    const after = (waitMs: number) => delay(waitMs, undefined, { signal: ended.signal }).catch(() => {})
    this.#drain?.stop(deps.clock() + ms)
    this.#wake()
    const breakOff = after(ms - closingMs).then(() => this.#drain?.hand.giveBackAll())
    // A store that hangs can keep the drain for longer.
    await Promise.race([this.#work, after(ms)])
    const sent = Promise.all([this.#sending, deps.tracing?.flush(EXPORTS_AT_END)])
    await Promise.race([sent, after(closingMs)])
    ended.abort()
    await breakOff
  }

  get #isUp(): boolean {
    return this.#state === "running" || this.#state === "paused"
  }

  readonly #watcher: Watcher = ((worker: AIQueueWorker) => ({
    get room() {
      if (worker.#state !== "running") return 0
      return worker.#crew.deps.config.drainConcurrency - (worker.#drain?.hand.size ?? 0)
    },
    wake: () => worker.wake(),
  }))(this)

  readonly #observer: DrainObserver = {
    claimed: (claim) => this.#crew.lookout.claimed(claim),
    settled: (settlement, reply) => this.#settled(settlement, reply),
    failed: (code) => {
      this.#statistics.failed(code)
      // Nobody has to listen; an emitter throws then.
      if (this.listenerCount("error") > 0) this.#guard("error", () => this.emit("error", { code }))
    },
  }

  #settled(settlement: Settlement, reply: SettleReply): void {
    this.#statistics.called(settlement)
    if (reply !== "settled") return
    this.#statistics.settled(settlement)
    this.#guard(settlement.decision.kind, () => emitSettled(this, settlement))
  }

  /** A listener's mistake must cost no answer. */
  #guard(listener: string, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#crew.deps.log.error("listener_threw", { listener, kind: kindOf(error) })
    }
  }
}
