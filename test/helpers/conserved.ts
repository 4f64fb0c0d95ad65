import { expect } from "vitest"
import { requestIdTime } from "../../src/core/ids.ts"
import { FINISHED_STATES } from "../../src/core/request.ts"
import { decodeOutcome, type StoredOutcome } from "../../src/queue/frames.ts"
import { parseKept } from "../../src/queue/kept.ts"
import { dayOf } from "../../src/queue/keys.ts"
import { decodeRecord, type LiveRecord } from "../../src/queue/record.ts"
import { type RawQueue, readRawQueue } from "./raw-queue.ts"
import type { RawRedis } from "./store.ts"

/**
 * The leak guard: reads every key of a queue and asserts that each request is in exactly one place and that
 * every count, hint and index tells the truth. Run it after each test, and after each step of a random run.
 * Throws with all that is wrong, not only the first. `now` by the queue's clock: an outcome past its TTL by
 * that clock may have left its indexes, though Redis, which goes by its own, still holds it.
 */
export async function expectConserved(
  redis: RawRedis,
  queueName: string,
  now: number = Date.now(),
): Promise<void> {
  expect(findLeaks(await readRawQueue(redis, queueName), now)).toEqual([])
}

/** What is wrong with a queue at an instant, epoch ms. */
export function findLeaks(raw: RawQueue, at: number): string[] {
  const live = new Map([...raw.live].map(([id, text]) => [id, decodeRecord(text)]))
  const outcomes = new Map([...raw.outcomes].map(([id, text]) => [id, decodeOutcome(text)]))
  return [
    ...raw.unknownKeys.map((key) => `${key} is no key of the storage contract`),
    ...checkPlaces(raw, live),
    ...checkTexts(raw, live, outcomes),
    ...checkDeadlines(raw, live, at),
    ...checkCounts(raw, live),
    ...checkIndexes(raw, live, outcomes, at),
  ]
}

type Live = Map<string, LiveRecord>
type Outcomes = Map<string, StoredOutcome>

/** Exactly one place, and the one that the record tells of. */
function checkPlaces(raw: RawQueue, live: Live): string[] {
  const problems: string[] = []
  const places = new Map<string, string[]>()
  for (const [place, members] of [...raw.lines, ...raw.leases, ["scheduled", raw.scheduled] as const]) {
    for (const id of members.keys()) places.set(id, [...(places.get(id) ?? []), place])
  }
  for (const [id, found] of places) {
    if (!live.has(id)) problems.push(`${id} is in ${found} without being live`)
  }
  for (const [id, record] of live) {
    const found = places.get(id) ?? []
    if (found.length !== 1) problems.push(`${id} is in ${found.length} places: ${found}`)
    const expected =
      record.owner === "" ? [`line:${record.line}`, "scheduled"] : [`leases:${record.provider}`]
    for (const place of found) {
      if (!expected.includes(place)) problems.push(`${id} is in ${place}, its record says ${expected}`)
    }
    if (record.owner === "" && record.op + record.provider !== "") problems.push(`${id} has half a lease`)
  }
  return problems
}

/** Metadata and bodies live as long as their request; what is left of a finished one ends by itself. */
function checkTexts(raw: RawQueue, live: Live, outcomes: Outcomes): string[] {
  const problems: string[] = []
  for (const [id, { metadata }] of live) {
    if (metadata === 1 && raw.ttls.get(`metadata:${id}`) !== -1)
      problems.push(`${id} is live, its metadata's TTL is not "none"`)
    if (metadata === 0 && raw.ttls.has(`metadata:${id}`))
      problems.push(`${id} has metadata that nobody reads`)
    if (raw.ttls.get(`body:${id}`) !== -1) problems.push(`${id} is live, its body's TTL is not "none"`)
    if (outcomes.has(id)) problems.push(`${id} is live and has an outcome`)
  }
  for (const [key, ttl] of raw.ttls) {
    const [kind = "", id = ""] = key.split(":")
    if (live.has(id)) {
      if (kind === "attempts" && ttl !== -1) problems.push(`${key} ends in ${ttl} s, its request is live`)
      continue
    }
    if (ttl === -1) problems.push(`${key} never ends, and its request is not live`)
    if (kind === "metadata") problems.push(`${key} without a live request`)
    if (kind === "body" && outcomes.get(id)?.state === "completed") problems.push(`${key} of a completed one`)
    if (kind === "body" && outcomes.get(id)?.state === "cancelled") problems.push(`${key} of a cancelled one`)
  }
  return problems
}

function checkDeadlines(raw: RawQueue, live: Live, now: number): string[] {
  const problems: string[] = []
  for (const [id, at] of raw.deadlines) {
    // The next claim drops one that has passed.
    if (!live.has(id) && at > now) problems.push(`${id} is watched for a deadline without being live`)
  }
  for (const [id, { deadlineAt, owner }] of live) {
    if (deadlineAt === 0 || owner !== "") continue
    if (raw.deadlines.get(id) === undefined) problems.push(`${id} waits, and nobody watches its deadline`)
    else if (Number(raw.deadlines.get(id)) > deadlineAt)
      problems.push(`${id} is watched for a later deadline`)
  }
  const [due = Infinity, expiry = Infinity, deadline = Infinity] = (raw.meta.get("next") ?? "")
    .split(" ")
    .filter(Boolean)
    .map(Number)
  const first = (sets: Map<string, number>[]) => Math.min(...sets.flatMap((set) => [...set.values()]))
  const hints = {
    due: [due, first([raw.scheduled])],
    expiry: [expiry, first([...raw.leases.values()])],
    deadline: [deadline, first([raw.deadlines])],
  } as const
  for (const [what, [hint, truth]] of Object.entries(hints)) {
    if (hint > truth) problems.push(`the next ${what} is hinted at ${hint}, it is at ${truth}`)
  }
  return problems
}

function checkCounts(raw: RawQueue, live: Live): string[] {
  const problems: string[] = []
  const equal = (what: string, counted: unknown, truth: unknown) => {
    if (String(counted) !== String(truth)) problems.push(`${what} says ${counted}, the truth is ${truth}`)
  }
  if (raw.meta.size > 0 && live.size > 0) equal("version", raw.meta.get("version"), 1)
  equal("load", raw.meta.get("load") ?? 0, live.size)
  const registered = (raw.meta.get("lines") ?? "").split(" ")
  for (const [id, { line }] of live) {
    if (!registered.includes(line)) problems.push(`${id} is in ${line}, which is not registered`)
  }
  const counted = [...raw.meta.keys()].filter((field) => field.startsWith("pending:"))
  for (const field of new Set([
    ...counted,
    ...[...raw.lines.keys()].map((key) => key.replace("line:", "pending:")),
  ])) {
    const levels = [0, 0, 0, 0]
    for (const id of raw.lines.get(field.replace("pending:", "line:"))?.keys() ?? []) {
      const level = (live.get(id)?.level ?? 1) - 1
      levels[level] = (levels[level] ?? 0) + 1
    }
    equal(field, raw.meta.get(field) ?? "0 0 0 0", levels.join(" "))
  }
  const organizations = new Map<string, number>()
  for (const { organization } of live.values()) {
    organizations.set(organization, (organizations.get(organization) ?? 0) + 1)
  }
  for (const field of raw.meta.keys()) {
    const organization = /^live:(.*)$/.exec(field)?.[1]
    if (organization !== undefined) equal(field, raw.meta.get(field), organizations.get(organization) ?? 0)
  }
  for (const organization of organizations.keys()) {
    if (!raw.meta.has(`live:${organization}`)) problems.push(`${organization}'s requests are not counted`)
  }
  return problems
}

const DAY_MS = 86_400_000
/** As in `lua/include/finish.lua`. */
const INDEX_GRACE_DAYS = 3

/** Every outcome is in its state's index, every request in its organization's, and nothing else is. */
function checkIndexes(raw: RawQueue, live: Live, outcomes: Outcomes, now: number): string[] {
  const problems: string[] = []
  for (const [id, { state, organizationId, expiresAt }] of outcomes) {
    if (expiresAt <= now) continue
    const score = raw.finished.get(`${state}:${dayOf(expiresAt)}`)?.get(`${id}|${organizationId}`)
    if (score !== expiresAt) problems.push(`${id} ends at ${expiresAt}, its index says ${score}`)
    const ttl = raw.ttls.get(`outcome:${id}`) ?? -1
    if (ttl <= 0) problems.push(`the outcome of ${id} never ends`)
  }
  for (const [index, members] of raw.finished) {
    for (const [member, expiresAt] of members) {
      const [id = ""] = member.split("|")
      const isKept = outcomes.get(id)?.state === index.split(":")[0]
      if (!isKept && expiresAt > now + 1000) problems.push(`${member} in ${index} has no such outcome`)
    }
  }
  for (const state of FINISHED_STATES) {
    const kept = new Map(parseKept(raw.meta.get(`kept:${state}`) ?? "").map(({ day, count }) => [day, count]))
    const days = [...raw.finished.keys()]
      .filter((index) => index.startsWith(state))
      .map((index) => index.split(":")[1])
    for (const day of new Set([...kept.keys(), ...days.map(Number)])) {
      // The index has ended by itself; the next clean-up forgets its count.
      if (now >= (day + 1 + INDEX_GRACE_DAYS) * DAY_MS) continue
      const truth = raw.finished.get(`${state}:${day}`)?.size ?? 0
      if ((kept.get(day) ?? 0) !== truth)
        problems.push(`kept:${state} says ${kept.get(day)} on ${day}, it is ${truth}`)
    }
  }
  const organizationOf = new Map<string, string>()
  for (const [id, { organization }] of live) organizationOf.set(id, organization)
  for (const [id, { organizationId, expiresAt }] of outcomes) {
    if (expiresAt > now) organizationOf.set(id, organizationId)
  }
  for (const [id, organization] of organizationOf) {
    const index = `${organization}:${dayOf(requestIdTime(id))}`
    if (!raw.recent.get(index)?.has(id)) problems.push(`${id} is not in recent:${index}`)
  }
  for (const key of raw.endless) problems.push(`${key} never ends`)
  return problems
}
