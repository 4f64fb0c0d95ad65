import { isDeepStrictEqual } from "node:util"
import { expect } from "vitest"
import type { FaultRule } from "../../../dev/bridge/faults.ts"
import { AppError } from "../../../src/core/errors.ts"
import { createIdGenerator } from "../../../src/core/ids.ts"
import type { ClaimedRequest, NewRequest, Overdue, Settlement } from "../../../src/queue/contract.ts"
import { scripts } from "../../../src/queue/scripts.generated.ts"
import { findLeaks } from "../../helpers/conserved.ts"
import { createTestClock, createTestQueue, type TestQueue } from "../../helpers/queue.ts"
import { readRawQueue } from "../../helpers/raw-queue.ts"
import type { TestStore } from "../../helpers/store.ts"
import { orders, prefixes, twice, type Way } from "./courses.ts"
import { Ledger } from "./ledger.ts"
import { type Picture, pictureFrom, pictureOf } from "./picture.ts"
import { DAY_MS, emptyState, type ModelSettings, type ModelState, passTime } from "./state.ts"
import type { FaultPlan } from "./steps.ts"
import { type Packet, type Script, tapWire, type Wire } from "./wire.ts"

/** One step, for the queue and for the model. */
export interface Action {
  fault: FaultPlan | null
  call(): Promise<unknown>
  /** How it may go; each changes the state, script by script, and gives the reply. */
  ways: Way[]
  /** Throws when the reply is not as expected. */
  check(actual: unknown, expected: unknown): void
  /** What a script of it does when it arrives again later. */
  late?(state: ModelState, script: Script): void
}

export interface WorldOptions {
  /** How far the first client's clock is ahead, and the second's behind. */
  skewMs: number
  maxPending: number
}

/** Six in the morning of the day after tomorrow: the store's own clock ends nothing, `pass` does; and lives repeat. */
const START_OF_DAY_MS = 6 * 3_600_000
/** As `queue/store.ts` tries. */
const TRIES = 4
const MAX_LATE = 8
/** Of these the store has done what it was asked for, though nobody was told. */
const ANSWER_LOST: FaultPlan["kind"][] = ["drop after", "500 after", "html"]
/** Where the scripts that claim are told who claims, and the operation id. */
const OWNER_ARGUMENT = 6
const OP_ARGUMENT = 7
/** No longer is a request to the store held up, nor repeated by whoever made it: outcomes are kept for longer. */
export const LONGEST_DELAY_MS = 600_000

/** One queue, two processes that use it, what they have been told, and the model of it all. */
export class World {
  readonly settings: ModelSettings
  readonly clients: [TestQueue, TestQueue]
  readonly batches: NewRequest[][] = []
  taken: (ClaimedRequest | Overdue)[] = []
  /** What was said of them. */
  readonly said = new Map<ClaimedRequest | Overdue, Settlement>()
  readonly ledger = new Ledger()
  state: ModelState = emptyState()
  now: number
  private readonly newIds: (() => string)[]
  private readonly store: TestStore
  private readonly wire: Wire
  private readonly skewMs: number
  private picture: Picture = {}
  private sent: Packet[] = []
  private late: { sentAt: number; packet: Packet; script: Script; apply: NonNullable<Action["late"]> }[] = []

  constructor(store: TestStore, { skewMs, maxPending }: WorldOptions) {
    this.store = store
    this.skewMs = skewMs
    this.now = (Math.floor(Date.now() / DAY_MS) + 2) * DAY_MS + START_OF_DAY_MS
    const first = createTestQueue(store, {
      clock: createTestClock(this.now + skewMs),
      random: () => 0,
      settings: { maxPending, providers: ["openai", "anthropic"] },
    })
    const second = first.sibling({
      clock: createTestClock(this.now - skewMs),
      settings: { ...first.settings, providers: ["openai"] },
    })
    this.settings = first.settings
    this.clients = [first, second]
    const noise = createNoise()
    this.newIds = [first, second].map(({ clock }) => createIdGenerator(clock, noise))
    this.wire = tapWire(store.url)
  }

  close(): void {
    this.wire.close()
  }

  /** What the clock that is ahead says. */
  get latest(): number {
    return this.now + Math.abs(this.skewMs)
  }

  get leases(): ClaimedRequest[] {
    return this.taken.filter((each) => "head" in each)
  }

  /** Forgotten by a clean-up, and stored anew under the same id: nobody speaks of its earlier life any more. */
  startAnew(requestId: string): void {
    this.ledger.startsAnew(requestId)
    this.taken = this.taken.filter(({ lease }) => lease.requestId !== requestId)
    this.late = []
  }

  newId(client: 0 | 1): string {
    return this.newIds[client]?.() ?? ""
  }

  /** Every id that was ever tried to be stored, the newest first. */
  get ids(): string[] {
    return this.batches.flatMap((batch) => batch.map(({ head }) => head.requestId)).reverse()
  }

  /** The operation id that this owner's latest claim was sent with. */
  claimOp = (owner: string): string => {
    const all = this.sent.flatMap(({ scripts }) => scripts)
    const claim = all.findLast(
      ({ name, args }) => (name === "claim" || name === "turn") && args[OWNER_ARGUMENT] === owner,
    )
    return claim?.args[OP_ARGUMENT] ?? "never sent"
  }

  async act(action: Action): Promise<void> {
    const { fault, ways } = action
    this.wire.take()
    if (fault !== null) this.store.bridge.faults.inject(ruleOf(fault))
    const came = await action.call().then(
      (reply) => ({ reply, error: null }),
      (error: unknown) => ({ reply: null, error }),
    )
    this.store.bridge.faults.clear()
    this.sent = this.wire.take()
    const isRepeated = fault !== null && ANSWER_LOST.includes(fault.kind)
    const possible = isRepeated ? [...ways, ...ways.map(twice)] : ways
    if (came.error === null || isRefusal(came.error)) {
      const reply = came.error === null ? came.reply : refusalOf(came.error)
      await this.explain(
        possible.map((way) => [way]),
        [{ reply, check: action.check }],
      )
    } else {
      expect(came.error, String(came.error)).toBeInstanceOf(AppError)
      expect((came.error as AppError).code, String(came.error)).toBe("store_unavailable")
      expect(fault?.times, "an error that no fault explains").toBeGreaterThanOrEqual(TRIES)
      const halves = possible.flatMap((way) => [...prefixes(way, this.state)])
      // Where the store looks the same with and without it, the fault tells what happened.
      await this.settleOn(isRepeated ? halves.reverse() : halves)
    }
    this.remember(action)
  }

  /** Each script is at once; between those of one process the other's may come. */
  async actTogether(first: Omit<Action, "fault">, second: Omit<Action, "fault">): Promise<void> {
    this.wire.take()
    const outcome = (action: Omit<Action, "fault">) =>
      action.call().catch((error: unknown) => {
        if (isRefusal(error)) return refusalOf(error)
        throw error
      })
    const [reply, secondReply] = await Promise.all([outcome(first), outcome(second)])
    this.sent = this.wire.take()
    await this.explain(
      first.ways.flatMap((way) => second.ways.map((other) => [way, other])),
      [
        { reply, check: first.check },
        { reply: secondReply, check: second.check },
      ],
    )
  }

  /** One order of the scripts of these must lead to what the store looks like, and to all that was told. */
  private async explain(
    possible: Way[][],
    told: { reply: unknown; check: Action["check"] }[],
  ): Promise<void> {
    const picture = await this.look()
    const before = this.state
    const problems: { picture: Picture; error: unknown }[] = []
    for (const ways of possible) {
      for (const { state, replies } of orders(before, ways)) {
        const expected = pictureOf(state, this.latest)
        const error = isDeepStrictEqual(expected, picture) ? this.hear(told, replies) : null
        if (error === undefined) return this.become(state, picture)
        problems.push({ picture: expected, error })
      }
    }
    const alike = problems.find(({ error }) => error !== null)
    if (alike !== undefined) throw alike.error
    expect(picture).toEqual(problems[0]?.picture)
  }

  /** What is wrong with what was told; undefined: nothing. */
  private hear(told: { reply: unknown; check: Action["check"] }[], expected: unknown[]): unknown {
    const [forget, taken] = [this.ledger.mark(), this.taken.length]
    try {
      for (const [i, { reply, check }] of told.entries()) check(reply, expected[i])
      return undefined
    } catch (error) {
      forget()
      this.taken.length = taken
      return error
    }
  }

  /** Time passes for everybody, and the store lets go of what has ended. */
  async pass(ms: number): Promise<void> {
    this.now += ms
    this.late = this.late.filter(({ sentAt }) => this.now - sentAt < LONGEST_DELAY_MS)
    for (const [i, { clock }] of this.clients.entries())
      clock.set(this.now + (i === 0 ? 1 : -1) * this.skewMs)
    await this.store.redis.sendCommand([
      "EVAL",
      LET_GO,
      "0",
      `aiq:{${this.clients[0].name}}:*`,
      String(this.now),
    ])
    passTime(this.state, this.now)
    await this.settleOn([this.state])
  }

  async flushScripts(): Promise<void> {
    await this.store.redis.sendCommand(["SCRIPT", "FLUSH"])
  }

  /** A request that was sent before, or never arrived, arrives now. */
  async arriveLate(pick: number): Promise<void> {
    const chosen = this.late[this.late.length === 0 ? 0 : pick % this.late.length]
    if (chosen === undefined) return
    for (const source of Object.values(scripts))
      await this.store.redis.sendCommand(["SCRIPT", "LOAD", source])
    const [metered] = await this.wire.resend(chosen.packet)
    const [, , result] = metered as [number, string, unknown]
    const state = structuredClone(this.state)
    if (!isRefusedForLines(result)) chosen.apply(state, chosen.script)
    await this.settleOn([state])
  }

  /** The last script of those that it sent to change something. */
  private remember({ late }: Action): void {
    const packet = this.sent.findLast(
      ({ scripts: [first] }) => first !== undefined && first.name !== "status",
    )
    const [script, ...others] = packet?.scripts ?? []
    if (late === undefined || packet === undefined || script === undefined || others.length > 0) return
    this.late = [{ sentAt: this.now, packet, script, apply: late }, ...this.late].slice(0, MAX_LATE)
  }

  /** The store must look like one of these states; that is the one that holds from now on. */
  private async settleOn(states: ModelState[]): Promise<void> {
    const picture = await this.look()
    const state = states.find((each) => isDeepStrictEqual(pictureOf(each, this.latest), picture))
    if (state === undefined) expect(picture).toEqual(pictureOf(states[0] ?? emptyState(), this.latest))
    else this.become(state, picture)
  }

  /** What the store looks like, which must be sound in itself. */
  private async look(): Promise<Picture> {
    const [{ name, redis }] = this.clients
    const raw = await readRawQueue(redis, name)
    // By the clock that is ahead: its process may have cleaned up what another still finds.
    const { latest } = this
    expect(findLeaks(raw, latest)).toEqual([])
    return pictureFrom(raw, redis, name, latest)
  }

  private become(state: ModelState, picture: Picture): void {
    const before = this.state
    this.state = state
    this.ledger.seeOutcomes(this.picture, picture)
    this.picture = picture
    for (const [id, { replays }] of state.live)
      if (before.outcomes.has(id) && replays === 0) this.startAnew(id)
  }
}

/** The same in every life, so that a failure can be repeated from its seed. */
function createNoise(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** It arrived with fewer lines than there are by now, and changed nothing. */
function isRefusedForLines(result: unknown): boolean {
  return Array.isArray(result) && result[0] === "lines"
}

function isRefusal(error: unknown): boolean {
  return error instanceof AppError && ["queue_full", "idempotency_mismatch"].includes(error.code)
}

function refusalOf(error: unknown): { refused: string } {
  return { refused: (error as AppError).code }
}

function ruleOf({ kind, onRead, times }: FaultPlan): FaultRule {
  const selectors = { times, ...(onRead ? { contains: '"MGET"' } : {}) }
  if (kind === "noscript") return { fault: "noscript", times }
  if (kind === "html") return { fault: "status", when: "after", status: 502, body: "<html>", ...selectors }
  if (kind === "429") return { fault: "status", when: "before", status: 429, ...selectors }
  const when = kind.endsWith("before") ? "before" : "after"
  return kind.startsWith("drop")
    ? { fault: "drop", when, ...selectors }
    : { fault: "status", status: 500, when, ...selectors }
}

/** Ends what has a TTL until then; answers under idempotency keys are left, as their TTL counts from the real time. */
const LET_GO = `
for _, key in ipairs(redis.call("KEYS", ARGV[1])) do
  local ttl = redis.call("PTTL", key)
  local time = redis.call("TIME")
  local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ttl
  if ttl >= 0 and math.floor(ends / 1000 + 0.5) * 1000 <= tonumber(ARGV[2]) and not string.find(key, ":idem:", 1, true) then
    redis.call("UNLINK", key)
  end
end`
