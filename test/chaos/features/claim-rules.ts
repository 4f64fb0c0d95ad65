import { expect } from "vitest"
import type { Claim, ClaimedRequest, ClaimOptions } from "../../../src/queue/contract.ts"
import type { ProviderDetails } from "../../../src/queue/figures-contract.ts"
import { decodeRecord, type LiveRecord } from "../../../src/queue/record.ts"
import { targetName, timeoutsOn } from "../../../src/queue/targets.ts"
import type { RawQueue } from "../../helpers/raw-queue.ts"
import type { KnownLimits } from "./known-limits.ts"

const MAX_TIMEOUTS = 2

/** A queue around a claim: what it held, what the claimer saw of its providers, and what the claim gave. */
export interface Claiming {
  now: number
  before: RawQueue
  after: RawQueue
  providers: ProviderDetails[]
  options: ClaimOptions
  claim: Claim
  /** The same round trip settled something before it claimed, so what is told by then may be another state. */
  isTurn: boolean
}

/** What `docs/limits.md`, `docs/routes.md` and `docs/storage.md` promise of every claim, whatever happened before it. */
export function checkClaim(claiming: Claiming, limits: KnownLimits): void {
  const { claim, options, before } = claiming
  expect(claim.requests.length).toBeLessThanOrEqual(options.limit)
  const known = new Map([...before.live].map(([id, text]) => [id, decodeRecord(text)]))
  for (const claimed of claim.requests) {
    const record = known.get(claimed.lease.requestId)
    expect(claimed.head.timeoutMs).toBeLessThanOrEqual(options.maxTimeoutMs)
    if (record !== undefined) checkTarget(claiming, claimed, record)
  }
  checkConcurrency(claiming, limits)
  if (claiming.isTurn) return
  checkOrder(claiming, known)
  checkShut(claiming)
}

/** One of its own; not one that is used up while another is not; of fallbacks the first that is not shut. */
function checkTarget(
  { providers, before, now, isTurn }: Claiming,
  { target }: ClaimedRequest,
  record: LiveRecord,
): void {
  const name = targetName(target)
  const names = namesOf(record)
  const index = names.indexOf(name)
  expect(index, `${name} among ${names}`).toBeGreaterThanOrEqual(0)
  const served = (other: string) => providers.some((each) => other.startsWith(`${each.name}/`))
  expect(served(name), `${name} is not configured here`).toBe(true)
  const isUsedUp = (i: number) => timeoutsOn(record, i + 1) >= MAX_TIMEOUTS
  if (!isTurn && isUsedUp(index)) {
    const others = names.filter((other, i) => served(other) && !isUsedUp(i))
    expect(others, `${name} is used up`).toEqual([])
  }
  const isFresh = record.avoid === "" && record.timeouts === "" && record.deadlineAt === 0
  if (isTurn || !record.targets.startsWith("o") || !isFresh) return
  for (const earlier of names.slice(0, index).filter(served)) {
    const provider = providers.find((each) => earlier.startsWith(`${each.name}/`))
    const isBlocked = blocksIn(before, provider?.name ?? "").some(
      ([what, until]) => what === earlier && until > now,
    )
    const isShut =
      provider?.paused || provider?.blockedUntil !== null || provider?.breaker !== "closed" || isBlocked
    expect(isShut, `${earlier} was open, and ${name} was taken`).toBe(true)
  }
}

function namesOf({ targets, line, model }: LiveRecord): string[] {
  if (targets === "") return [`${line}/${model}`]
  return targets
    .slice(2)
    .split(" ")
    .map((text) => text.replace(/\/\d+$/, ""))
}

function blocksIn(raw: RawQueue, provider: string): [string, number][] {
  const text = raw.meta.get(`blocked:${provider}`) ?? ""
  return [...text.matchAll(/(\S+) (\d+)/g)].map(([, name = "", until]) => [name, Number(until)])
}

/** Of plain requests for the same model nobody is overtaken, but by what fits where it does not. */
function checkOrder({ claim, before, now, options }: Claiming, known: Map<string, LiveRecord>): void {
  const claimed = new Set(claim.requests.map(({ lease }) => lease.requestId))
  for (const members of before.lines.values()) {
    const inOrder = [...members]
      .sort(([a, scoreOfA], [b, scoreOfB]) => scoreOfA - scoreOfB || (a < b ? -1 : 1))
      .flatMap(([id]) => ({ id, record: known.get(id) }))
    const passed = new Map<string, string>()
    for (const { id, record } of inOrder) {
      if (record === undefined || record.targets !== "") continue
      const isOverdue = record.deadlineAt !== 0 && record.deadlineAt <= now
      const place = before.deadlines.get(id) ?? Infinity
      if (isOverdue || place <= now || record.timeoutMs > options.maxTimeoutMs) continue
      const earlier = passed.get(record.model)
      if (claimed.has(id)) expect(earlier, `${id} went before ${earlier}`).toBeUndefined()
      else passed.set(record.model, earlier ?? id)
    }
  }
}

/** Nothing starts at a provider that is paused, blocked or broken, and one at most where the breaker is to be probed. */
function checkShut({ claim, providers, now }: Claiming): void {
  for (const { name, paused, blockedUntil, breaker } of providers) {
    const started = claim.requests.filter(({ target }) => target.provider === name).length
    const isShut = paused || breaker === "open" || (blockedUntil !== null && blockedUntil > now)
    const most = isShut ? 0 : breaker === "half_open" ? 1 : Infinity
    expect(started, `${name} is ${paused ? "paused" : breaker}`).toBeLessThanOrEqual(most)
  }
}

function checkConcurrency({ claim, after }: Claiming, limits: KnownLimits): void {
  const calls = [...after.live.values()]
    .map(decodeRecord)
    .filter(({ owner }) => owner !== "" && owner !== "overdue")
  const started = new Set(claim.requests.flatMap(({ target }) => [target.provider, targetName(target)]))
  for (const name of started) {
    const inFlight = calls.filter((record) => {
      const leased = namesOf(record)[record.target - 1] ?? ""
      return leased === name || leased.startsWith(`${name}/`)
    })
    expect(inFlight.length, `calls of ${name}`).toBeLessThanOrEqual(limits.of(name).concurrency ?? Infinity)
  }
}
