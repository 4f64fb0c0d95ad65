import { expect } from "vitest"
import { PRIORITIES } from "../../../src/core/request.ts"
import type { Claim, ClaimedRequest, ClaimOptions, Overdue, Settlement } from "../../../src/queue/contract.ts"
import { decodeOutcome } from "../../../src/queue/frames.ts"
import { decodeRecord } from "../../../src/queue/record.ts"
import { scoreOf } from "../../../src/queue/score.ts"
import { withLimits } from "../../helpers/claims.ts"
import { findLeaks } from "../../helpers/conserved.ts"
import { createTestClock, createTestQueue, settlement, type TestQueue } from "../../helpers/queue.ts"
import { type RawQueue, readRawQueue } from "../../helpers/raw-queue.ts"
import type { TestStore } from "../../helpers/store.ts"
import { Ledger } from "../../queue/model/ledger.ts"
import { type Picture, pictureFrom } from "../../queue/model/picture.ts"
import { checkClaim } from "./claim-rules.ts"
import { KnownLimits } from "./known-limits.ts"
import { type Ask, type Ending, type FeatureStep, PROVIDERS, SERVED } from "./steps.ts"

const DAY_MS = 86_400_000
const HOUR_SECONDS = 3600
/** Far more than a life's requests need, at one call a minute. */
const MAX_LAST_TURNS = 2000

/** Limits that every life begins with; others are set on its way. */
const AS_SET = {
  openai: { concurrency: 3, models: { gpt: { concurrency: 1 } } },
  anthropic: { rpm: 120, models: { claude: { concurrency: 2 } } },
} as const

type Held = ClaimedRequest | Overdue

/** One queue with every feature on, three processes that use it, and what must hold of it after each step. */
export class FeatureLife {
  readonly #store: TestStore
  readonly #clients: TestQueue[]
  readonly #clock = createTestClock(Math.floor(Date.now() / DAY_MS + 2) * DAY_MS)
  readonly #limits = new KnownLimits()
  readonly #ledger = new Ledger()
  readonly #accepted: string[] = []
  readonly #removed = new Set<string>()
  #held: Held[] = []
  #raw: RawQueue | null = null
  #picture: Picture = {}

  constructor(store: TestStore) {
    this.#store = store
    this.#limits.change({ provider: "openai", ...AS_SET.openai })
    this.#limits.change({ provider: "anthropic", ...AS_SET.anthropic })
    const settings = {
      ...withLimits(AS_SET).settings,
      fairShareMs: 4,
      maxPendingAgeSeconds: HOUR_SECONDS,
      maxPendingPerOrganization: 12,
    }
    const shared = { clock: this.#clock, random: () => 0 }
    const first = createTestQueue(store, { ...shared, settings: { ...settings, providers: [...SERVED[0]] } })
    const others = SERVED.slice(1).map((providers) =>
      first.sibling({ ...shared, settings: { ...first.settings, providers: [...providers] } }),
    )
    this.#clients = [first, ...others]
  }

  async perform(step: FeatureStep): Promise<void> {
    const queue = this.#client(step.client)
    const faults = this.#store.bridge.faults
    if (step.lost > 0) faults.inject({ fault: "drop", when: "after", times: step.lost })
    const before = this.#raw
    await this.#act(queue, step)
    faults.clear()
    await this.#look(this.#raw !== before && this.#raw !== null ? this.#raw : await this.#read())
  }

  /** All is resumed and one process takes what there is, by nothing but what each claim tells: every request ends. */
  async end(): Promise<void> {
    const first = this.#client(0)
    for (const name of [null, ...PROVIDERS]) await first.setPaused(name, false)
    const last = first.sibling({ settings: { ...first.settings, providers: [...PROVIDERS] } })
    const options = { owner: "lane-9:last", limit: 20, maxBytes: 1_000_000, maxTimeoutMs: 600_000 }
    let said: Settlement[] = []
    let idle = 0
    for (let turn = 0; turn < MAX_LAST_TURNS; turn++) {
      const { claim } = await last.turn(said, options)
      for (const each of claim.requests) this.#ledger.gaveOut(each)
      said = [...claim.requests, ...claim.overdue].map((each) => settlement(each, "completed"))
      if (said.length > 0) {
        idle = 0
        continue
      }
      const live = await last.redis.hLen(last.keys.live)
      if (live === 0) break
      expect(claim.wakeAt, `nobody will come for the last ${live}`).not.toBeNull()
      idle = (claim.wakeAt ?? 0) > this.#clock() ? 0 : idle + 1
      expect(idle, "claims that find nothing, and say that there is").toBeLessThan(3)
      this.#clock.set(Math.max(claim.wakeAt ?? 0, this.#clock()))
    }
    const raw = await this.#read()
    await this.#look(raw)
    const { outcomes, live } = raw
    expect([...live.keys()]).toEqual([])
    const lost = this.#accepted.filter((id) => !outcomes.has(id) && !this.#removed.has(id))
    expect(lost, "accepted, and without an outcome").toEqual([])
  }

  #client(index: number): TestQueue {
    const queue = this.#clients[index]
    if (queue === undefined) throw new Error(`there is no process ${index}`)
    return queue
  }

  async #act(queue: TestQueue, step: FeatureStep): Promise<unknown> {
    switch (step.do) {
      case "enqueue":
        return this.#enqueue(queue, step.asks)
      case "claim":
        return this.#claim(queue, this.#optionsOf(step), false, (options) => queue.claim(options))
      case "turn": {
        const said = this.#decide(step.endings)
        return this.#claim(queue, this.#optionsOf(step), true, async (options) => {
          const { claim } = await queue.turn(said, options)
          return claim
        })
      }
      case "settle":
        return queue.settle(this.#decide(step.endings))
      case "cancel":
        return this.#cancel(queue, step.pick)
      case "replay":
        return this.#replay(queue, step.pick)
      case "pause":
        return queue.setPaused(step.name, step.paused)
      case "limit": {
        const { provider, ...change } = step.lever
        this.#limits.change(step.lever)
        return queue.setLimits(provider, change as Parameters<TestQueue["setLimits"]>[1])
      }
      case "weigh":
        return queue.setWeight(step.organizationId, step.weight)
      case "wait":
        return this.#clock.advance(step.ms)
      case "cleanUp":
        return this.#cleanUp(queue, step.olderThanSeconds)
      case "maintain":
        return queue.maintain()
    }
  }

  #optionsOf(step: Extract<FeatureStep, { do: "claim" | "turn" }>): ClaimOptions {
    const { client, lane, limit } = step
    const options = { owner: `lane-${lane}:${client}`, limit, maxBytes: 1_000_000, maxTimeoutMs: 600_000 }
    if (step.do === "turn") return options
    return { ...options, maxTimeoutMs: step.maxTimeoutMs, ...(step.soon === null ? {} : { soon: step.soon }) }
  }

  async #enqueue(queue: TestQueue, asks: Ask[]): Promise<void> {
    const now = this.#clock()
    const requests = asks.map(({ delayMs, deadlineMs, maxTokens, route, ...head }) =>
      queue.newRequest({
        ...head,
        ...(route && { route }),
        options: { max_tokens: maxTokens },
        scheduledAt: delayMs === 0 ? null : now + delayMs,
        deadlineAt: deadlineMs === null ? null : now + delayMs + deadlineMs,
        resultTtlSeconds: 86_400,
        maxRetries: 10,
      }),
    )
    const full = await queue.enqueue(requests).then(
      () => false,
      (error: { code?: string }) => error.code === "queue_full" || Promise.reject(error),
    )
    if (!full) this.#accepted.push(...requests.map(({ head }) => head.requestId))
    else expect(this.#isFull(asks, queue), "there was room").toBe(true)
  }

  #isFull(asks: Ask[], { settings }: TestQueue): boolean {
    const live = [...(this.#raw?.live.values() ?? [])].map((text) => decodeRecord(text).organization)
    const all = [...live, ...asks.map(({ organizationId }) => organizationId)]
    return asks.some(
      ({ organizationId: own }) =>
        all.filter((name) => name === own).length > settings.maxPendingPerOrganization,
    )
  }

  async #claim(
    queue: TestQueue,
    options: ClaimOptions,
    isTurn: boolean,
    take: (options: ClaimOptions) => Promise<Claim>,
  ): Promise<void> {
    const before = this.#raw ?? (await this.#read())
    const providers = await queue.providers()
    const claim = await take(options)
    const after = await this.#read()
    const now = this.#clock()
    for (const each of claim.requests) {
      this.#ledger.gaveOut(each)
      this.#limits.started(now, each)
    }
    checkClaim({ now, before, after, providers, options, claim, isTurn }, this.#limits)
    this.#held.push(...claim.overdue, ...claim.requests)
  }

  /** What is said of the calls that have been held for longest; of those that are lost nobody speaks again. */
  #decide(endings: Ending[]): Settlement[] {
    const now = this.#clock()
    return this.#held.splice(0, endings.length).flatMap((held, i): Settlement[] => {
      const { kind, timedOut, health, blockedForMs, usedTokens, quota } = endings[i] as Ending
      if (kind === "lost") return []
      if (kind === "release") {
        this.#ledger.handedBack(held.lease)
        this.#limits.handedBack(held.lease)
      }
      const requests = quota && { limit: 10, remaining: quota.remaining, fullAt: now + quota.fullInMs }
      return [
        settlement(held, kind, {
          ...{ finishedAt: now, dueAt: now + 1500, code: timedOut ? "timeout" : "provider_unavailable" },
          report: {
            health: kind === "completed" ? "ok" : health,
            blockedUntil: blockedForMs === 0 ? null : now + blockedForMs,
            usedTokens,
            quotas: requests && { requests, tokens: null },
          },
        }),
      ]
    })
  }

  async #cancel(queue: TestQueue, pick: number): Promise<void> {
    const id = this.#accepted.at(-1 - (pick % Math.max(this.#accepted.length, 1)))
    if (id === undefined) return
    const { kind } = await queue.cancel(id, null)
    if (kind === "discarded") this.#removed.add(id)
    if (kind === "unknown") expect(this.#removed).toContain(id)
  }

  async #replay(queue: TestQueue, pick: number): Promise<void> {
    const failed = [...(this.#raw?.outcomes ?? [])].filter(([, text]) => text.startsWith("1|failed"))
    const [id] = failed[pick % Math.max(failed.length, 1)] ?? []
    if (id === undefined) return
    expect(await queue.replay(id, null, { deadlineAt: null })).toMatchObject({ kind: "replayed" })
    this.#picture = Object.fromEntries(Object.entries(this.#picture).filter(([name]) => name !== id))
  }

  async #cleanUp(queue: TestQueue, olderThanSeconds: number | null): Promise<void> {
    const before = this.#raw?.outcomes ?? new Map<string, string>()
    await queue.cleanup(olderThanSeconds)
    const { outcomes } = await this.#read()
    for (const [id, text] of before) {
      if (outcomes.has(id)) continue
      const { finishedAt } = decodeOutcome(text)
      expect(finishedAt).toBeLessThanOrEqual(this.#clock() - (olderThanSeconds ?? Infinity) * 1000)
      this.#removed.add(id)
    }
  }

  async #read(): Promise<RawQueue> {
    const { redis, name } = this.#client(0)
    this.#raw = await readRawQueue(redis, name)
    return this.#raw
  }

  async #look(raw: RawQueue): Promise<void> {
    const { redis, name, settings } = this.#client(0)
    expect(findLeaks(raw, this.#clock())).toEqual([])
    for (const members of raw.lines.values()) {
      for (const [id, score] of members) {
        const { level, effectiveAt, retries } = decodeRecord(raw.live.get(id) ?? "")
        const priority = PRIORITIES[level - 1] ?? "normal"
        expect(score).toBe(scoreOf(priority, effectiveAt, retries, settings.retryPenaltyMs))
      }
    }
    const picture = await pictureFrom(raw, redis, name, this.#clock())
    this.#ledger.seeOutcomes(this.#picture, picture)
    this.#picture = picture
  }
}
