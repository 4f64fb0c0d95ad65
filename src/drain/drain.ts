import type { Clock, Random } from "../core/clock.ts"
import type { Config } from "../core/config.ts"
import type { Log } from "../core/log.ts"
import { createTimers, type SetTimer } from "../core/timers.ts"
import type { Tracing } from "../core/tracing.ts"
import type { Claim, ClaimOptions, Lease, RequestQueue, Settlement, SettleReply } from "../queue/contract.ts"
import { Appetite } from "./appetite.ts"
import { Bell } from "./bell.ts"
import { Budget, type Obligations } from "./budget.ts"
import type { Caller } from "./call-request.ts"
import { ClaimAsked } from "./claim-asked.ts"
import { Gate } from "./gate.ts"
import { Hand } from "./hand.ts"
import { type Group, Outbox } from "./outbox.ts"
import { Partials } from "./partials.ts"
import { INVOCATION, type Place } from "./place.ts"
import { newReport } from "./report.ts"
import { createSlots, type Slots } from "./slots.ts"
import { Tally } from "./tally.ts"

export interface DrainDeps {
  queue: RequestQueue
  providers: Map<string, Caller>
  config: Config
  clock: Clock
  random: Random
  log: Log
  fetch: typeof fetch
  /**
   * Sees to chores that are due, with so many subrequests at most, or gets somebody to; resolves to how many it took.
   * Never rejects. Absent: others do.
   */
  seeToChores?: (subrequests: number) => Promise<number>
  /** Is told what becomes of requests; absent or null: nobody is. */
  tracing?: Tracing | null
}

/** How a drain stands. */
export interface Outlook {
  /** The budget allows for more. */
  canClaim: boolean
  /** Requests that a claim could find now, as far as is known. */
  wanted: number
  /** Of these it would claim as many now: what can start within two seconds. */
  room: number
}

/** `look`: something new may be there. `stop`: the drain must claim no more. */
export type Order = "go_on" | "look" | "stop"

/** Asked before each step, at least once a second. */
export type Steer = (outlook: Outlook) => Order

/** Told what a drain does, as it does it. May not throw. */
export interface DrainObserver {
  claimed(claim: Claim): void
  settled(settlement: Settlement, reply: SettleReply): void
  /** Of an operation, or one of our own steps. */
  failed(code: string): void
}

export interface DrainOptions {
  /** The drain's name and epoch. */
  owner: string
  /** Provider calls in flight at most; 0: only due, expired and overdue requests are seen to. */
  concurrency: number
  steer?: Steer
  /** Carried on from an earlier drain of the same name. */
  tally?: Tally
  /** Default: an invocation of a Worker. */
  place?: Place
  observer?: DrainObserver
  /** Default: timers that suit a Durable Object. */
  setTimer?: SetTimer
}

export type Step =
  | { kind: "turn"; group: Group | null; claim: ClaimOptions | null }
  | { kind: "look"; leases: Lease[]; atProviders: boolean }
  | { kind: "maintain" }
  | { kind: "roll" }
  | { kind: "rest"; ms: number }
  | { kind: "end" }

/**
 * No more is claimed than can be expected to start within this time: more at once is cheaper, and others may start the
 * rest sooner. The lease covers more, for slots that hang.
 */
const START_WITHIN_MS = 2000
/** Of providers with limits, only what can start within this time: their limits count starts, not claims. */
const START_SOON_MS = 500
const MAX_BODIES_IN_HAND = 16 * 1024 * 1024
/** One reply of Upstash may have 10 MB, and JSON in JSON can double in it. */
const MAX_BYTES_PER_CLAIM = 4 * 1024 * 1024
/** What comes sooner is waited for: about the backoff before a first retry. */
const PATIENCE_MS = 2000
const REST_MS = 1000
/** Spans get a connection when nobody else wants it. */
const LAST_RANK = Number.POSITIVE_INFINITY
/** How long an answer waits to be settled with others: a group of 20 costs a tenth as much per request as one. */
const GATHER_MS = 250
/** The same while a slot is free for what the claim that goes along would find. */
const GATHER_SHORT_MS = 50
/** The same when subrequests are short; far less than what a lease has left when its call ends. */
const GATHER_LONG_MS = 5000
/** How often, and for leases held how long, the drain asks whether they are lost: a round trip and one command. */
const LOOK_EVERY_MS = 2000
const LOOK_AFTER_MS = 1000
/** The same where commands are spared: lanes are told of what is cancelled anyway. */
const LOOK_EVERY_MS_WHEN_SPARING = 10_000
/** How often it asks whether what waits to be called may still be: the same again. */
const LOOK_AT_PROVIDERS_EVERY_MS = 500
/** Wakes of a burst are heard together; and while no slot is free, nothing that is new could start anyway. */
const HEAR_EVERY_MS = 50
const HEAR_EVERY_MS_WHEN_FULL = 500
/** Looks may not eat up what calls need, of the 50 subrequests that a free plan has. */
const LOOKS_SHARE = 0.25
/** Nor may the texts of calls that are watched. */
const PARTIALS_SHARE = 0.25
/** Nor may spans. */
const SPANS_SHARE = 0.1
/** Nor may chores, at a time more than this where nothing limits them. */
const CHORES_SHARE = 1 / 3
const MOST_FOR_CHORES = 10_000

/** The state of one drain, and what it should do next. What it does is in `run-drain.ts`. */
export class Drain {
  readonly deps: DrainDeps
  readonly options: DrainOptions
  readonly slots: Slots
  readonly storeSlots: Slots
  readonly budget: Budget
  readonly appetite: Appetite
  readonly outbox: Outbox
  readonly hand = new Hand()
  readonly gate = new Gate()
  readonly partials: Partials
  readonly tally: Tally
  readonly claimAsked: ClaimAsked
  readonly setTimer: SetTimer
  readonly bell: Bell
  readonly report = newReport()
  readonly startedAt: number
  /** Set to end it, and when something is wrong that claiming would only repeat. */
  isStopped = false
  /** The budget does not allow for it, or it was told to stop. */
  claimsNoMore = false
  /** A claim asked for the hourly work, or for a roll: a minute is over. */
  isMaintenanceDue = false
  isRollDue = false
  #wokenAt = Number.POSITIVE_INFINITY
  #claimedAt = 0
  #lookAt: number
  #lookAtProvidersAt = 0
  #looksLeft: number
  #choresLeft: number
  #exportsLeft: number
  #isExporting = false
  /** What is being done beside the calls. */
  chores: Promise<unknown> | null = null

  constructor(deps: DrainDeps, options: DrainOptions) {
    this.deps = deps
    this.options = options
    this.startedAt = deps.clock()
    this.setTimer = options.setTimer ?? createTimers()
    this.bell = new Bell(this.setTimer)
    const place = options.place ?? INVOCATION
    this.slots = createSlots(place.providerSlots, deps.clock, () => this.bell.ring())
    this.storeSlots = createSlots(place.storeSlots, deps.clock)
    this.budget = new Budget(this.startedAt, deps.config, place)
    this.appetite = new Appetite(deps.random)
    this.outbox = new Outbox(deps.random, place.settleGroup)
    this.tally = options.tally ?? new Tally()
    this.claimAsked = new ClaimAsked(deps.queue, this.tally)
    this.partials = new Partials({
      ...{ ...deps, setTimer: this.setTimer, storeSlots: this.storeSlots, budget: this.budget },
      writes: Math.floor(deps.config.subrequestLimit * PARTIALS_SHARE),
      hasSpare: () => this.budget.spare(this.#obligations()) >= 1,
    })
    this.#lookAt = this.startedAt + LOOK_EVERY_MS
    this.#looksLeft = Math.floor(deps.config.subrequestLimit * LOOKS_SHARE)
    this.#choresLeft = Math.floor(deps.config.subrequestLimit * CHORES_SHARE)
    this.#exportsLeft = Math.floor(deps.config.subrequestLimit * SPANS_SHARE)
  }

  /** Something may be there at that instant, epoch ms. When the drain ends before, `nextAt` tells. */
  wake(at: number): void {
    this.#wokenAt = Math.min(this.#wokenAt, at)
    this.bell.ring()
  }

  /** It claims no more, and what is not settled by then is given up. */
  stop(endsAt: number): void {
    this.isStopped = true
    this.budget.endAt(endsAt)
    this.bell.ring()
  }

  /** When a claim can find something next, epoch ms; null: nothing is known to come. */
  get nextAt(): number | null {
    const known = this.isStopped ? Number.POSITIVE_INFINITY : this.appetite.nextAt(this.deps.clock())
    const at = Math.min(known, this.#wokenAt)
    return at === Number.POSITIVE_INFINITY ? null : at
  }

  /** A claim has told of chores: they are seen to beside the calls, with what those leave. */
  seeToChores(): void {
    const { seeToChores } = this.deps
    const share = Math.min(this.#choresLeft, this.budget.spare(this.#obligations()), MOST_FOR_CHORES)
    if (seeToChores === undefined || this.chores !== null || share < 1) return
    // Until they are done, nothing is claimed on what they may need.
    this.budget.spend(share)
    this.chores = seeToChores(share).then((used) => {
      this.budget.spend(used - share)
      this.#choresLeft -= used
      this.chores = null
    })
  }

  /** Sends spans by that connection of the store's which only followed texts and extended leases want, for 3 s at most. */
  sendSpans(): void {
    const { tracing } = this.deps
    if (tracing == null || this.#isExporting || this.#exportsLeft < 1 || !tracing.isDue) return
    if (this.budget.spare(this.#obligations()) < 1) return
    this.budget.spend(1)
    this.#exportsLeft -= 1
    this.#isExporting = true
    void this.storeSlots.acquire(undefined, LAST_RANK).then(async (release) => {
      await tracing.flush(1)
      release()
      this.#isExporting = false
    })
  }

  /** A request has come to something. */
  decided(settlement: Settlement): void {
    this.outbox.add(settlement, this.deps.clock())
    this.tally.decided(settlement)
    const provider = this.gate.close(settlement)
    if (provider !== null) this.hand.giveBack(provider)
  }

  /** Until when texts of calls are stored as they come, per request. */
  watch(watchedUntil: Map<string, number>): void {
    this.hand.watch(watchedUntil)
    this.partials.look()
  }

  /** One more of what was claimed can be called: asking for it may have taken several tries. */
  get affordsCall(): boolean {
    return this.budget.affordsCall(this.#obligations())
  }

  /** An operation, or one of our own steps, failed. */
  failed(code: string): void {
    this.report.errors += 1
    this.tally.error(code)
    this.options.observer?.failed(code)
  }

  nextStep(): Step {
    const now = this.deps.clock()
    if (this.#hearsAt() <= now) {
      this.#wokenAt = Number.POSITIVE_INFINITY
      this.appetite.kick()
    }
    const isIdle = this.hand.size === 0
    const obligations = this.#obligations()
    const claim = this.#claimOptions(now, obligations)
    const hasSpare = this.budget.spare(obligations) >= 1

    const settleAt = this.outbox.dueAt(isIdle ? 0 : this.#gatherMs(now, hasSpare), hasSpare)
    // While answers gather, a claim waits to go along with them.
    const isStarving = this.slots.waiting === 0 && !this.outbox.isGathering
    const claimAt =
      claim === null ? Number.POSITIVE_INFINITY : Math.min(this.appetite.dueAt(isStarving), this.#hearsAt())
    if (this.isMaintenanceDue) return { kind: "maintain" }
    if (this.isRollDue) return { kind: "roll" }
    if (isIdle && this.#isDone(now, claimAt)) return { kind: "end" }
    if (settleAt <= now || claimAt <= now) {
      // What failed before travels alone, so that a claim does not fail with it, nor wait for it.
      const group = this.outbox.take(now, claimAt <= now)
      const mayClaim = group === null || (group.isFresh && this.appetite.mayJoin(now))
      if (mayClaim && claim !== null) this.#claimedAt = now
      return { kind: "turn", group, claim: mayClaim ? claim : null }
    }
    const look = hasSpare ? this.#look(now) : null
    if (look !== null) return look
    return { kind: "rest", ms: Math.max(1, Math.min(settleAt, claimAt, now + REST_MS) - now) }
  }

  #gatherMs(now: number, hasSpare: boolean): number {
    if (!hasSpare) return GATHER_LONG_MS
    const isHungry = this.slots.free > 0 && this.appetite.wanted(now) > 0
    return isHungry ? GATHER_SHORT_MS : GATHER_MS
  }

  #hearsAt(): number {
    const pauseMs = this.slots.free > 0 ? HEAR_EVERY_MS : HEAR_EVERY_MS_WHEN_FULL
    return Math.max(this.#wokenAt, this.#claimedAt + pauseMs)
  }

  /** null: nothing may be claimed now. */
  #claimOptions(now: number, obligations: Obligations): ClaimOptions | null {
    const { appetite, budget, hand, slots, options } = this
    const maxTimeoutMs = budget.longestTimeoutMs(now)
    const affordable = budget.claimable(obligations)
    const canClaim = !this.isStopped && maxTimeoutMs !== null && affordable >= 1
    const within = (ms: number) => Math.max(slots.free, slots.expectedWithin(ms)) - slots.waiting
    const startable = within(START_WITHIN_MS)
    const limit = Math.min(options.concurrency - hand.size, startable, affordable)
    const wanted = this.isStopped ? 0 : appetite.wanted(now)
    const order = options.steer?.({ canClaim, wanted, room: limit }) ?? "go_on"
    if (order === "look") appetite.kick()
    this.claimsNoMore = !canClaim || order === "stop"
    if (maxTimeoutMs === null || this.claimsNoMore) return null

    const maxBytes = Math.min(MAX_BODIES_IN_HAND - hand.bodySize, MAX_BYTES_PER_CLAIM)
    if (options.concurrency > 0 && (limit < 1 || maxBytes < 1)) return null
    const soon = Math.max(0, Math.min(limit, within(START_SOON_MS)))
    return { owner: options.owner, limit: Math.max(0, limit), soon, maxBytes, maxTimeoutMs }
  }

  #isDone(now: number, claimAt: number): boolean {
    if (this.outbox.size > 0) return this.budget.isOver(now)
    return claimAt > now + (this.options.concurrency > 0 ? PATIENCE_MS : 0)
  }

  /** Leases may be lost, and what waits to be called may wait for a provider that is shut by now. */
  #look(now: number): Step | null {
    if (this.#looksLeft === 0) return null
    const leases = now >= this.#lookAt ? this.hand.leasesSince(now - LOOK_AFTER_MS) : []
    if (now >= this.#lookAt) {
      this.#lookAt = now + (this.deps.queue.isSparing() ? LOOK_EVERY_MS_WHEN_SPARING : LOOK_EVERY_MS)
    }
    const atProviders = now >= this.#lookAtProvidersAt && this.hand.uncalledSince(now - START_SOON_MS)
    if (atProviders) this.#lookAtProvidersAt = now + LOOK_AT_PROVIDERS_EVERY_MS
    if (leases.length === 0 && !atProviders) return null
    this.#looksLeft -= 1
    return { kind: "look", leases, atProviders }
  }

  #obligations(): Obligations {
    const { uncalled, size } = this.hand
    return { uncalled, running: size - uncalled, unsettledTrips: this.outbox.trips }
  }
}
