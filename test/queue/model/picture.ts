import { decodeOutcome } from "../../../src/queue/frames.ts"
import { decodeRecord, type LiveRecord, lostAttempts } from "../../../src/queue/record.ts"
import { timeoutsOn } from "../../../src/queue/targets.ts"
import type { RawQueue } from "../../helpers/raw-queue.ts"
import type { RawRedis } from "../../helpers/store.ts"
import type { ModelRequest, ModelState, Place } from "./state.ts"

/** What is where, one line of words each, so that a difference reads well. */
export type Picture = Record<string, string>

type Facts = Pick<ModelRequest, "attempt" | "retries" | "timeouts" | "lost" | "replays">

function facts(
  { attempt, retries, timeouts, lost, replays }: Facts,
  noted: number[],
  gone: number[],
): string {
  const numbers = (all: number[]) => [...all].sort((a, b) => a - b).join(",") || "none"
  return (
    `attempt ${attempt}, retries ${retries}, timeouts ${timeouts}, lost ${lost}, replays ${replays}, ` +
    `history ${numbers(noted)}, lost attempts ${numbers(gone)}`
  )
}

function place(line: string, where: Place): string {
  if (where.at === "line") return `line ${line} at ${where.score}`
  if (where.at === "scheduled") return `scheduled ${line} for ${where.dueAt}`
  return `leased ${line} to ${where.owner} by ${where.op} until ${where.expiresAt}`
}

/** `at`: blocks that are over by then are not told of, as they may be forgotten at any time. */
export function pictureOf(state: ModelState, at: number): Picture {
  const picture: Picture = {}
  const noted = (id: string) => [...(state.noted.get(id) ?? [])]
  for (const [id, live] of state.live) {
    const ages = `since ${live.dueAt}, deadline ${live.deadlineAt ?? 0}`
    picture[id] = `${place(live.line, live.place)}, ${ages}, ${facts(live, noted(id), live.lostAttempts)}`
  }
  for (const [id, { state: end, code, finishedAt, expiresAt, endedBy, request }] of state.outcomes) {
    const told = facts(request, noted(id), request.lostAttempts)
    picture[id] = `${end} ${code} at ${finishedAt} by ${endedBy} until ${expiresAt}, ${told}`
  }
  for (const [id, entry] of state.index) picture[`list ${entry.state} ${id}`] = `until ${entry.expiresAt}`
  for (const key of state.remembered.keys()) picture[`key ${key}`] = "remembered"
  for (const name of state.paused) picture[`paused ${name}`] = "1"
  for (const [name, until] of state.blocks) if (until > at) picture[`blocked ${name}`] = `${until}`
  for (const [name, { openUntil, cause, trips, failures }] of state.breakers)
    if (openUntil !== null || failures > 0)
      picture[`breaker ${name}`] = `${openUntil ?? 0} ${cause ?? "-"}, trips ${trips}, failures ${failures}`
  for (const [owner, { op, at }] of state.drains) picture[`drain ${owner}`] = `${op} ${at}`
  if (state.maintainedAt !== null) picture.maintained = String(state.maintainedAt)
  return picture
}

/** The same, read from the store. A request that is in two places shows both. */
export async function pictureFrom(
  raw: RawQueue,
  redis: RawRedis,
  name: string,
  at: number,
): Promise<Picture> {
  const picture: Picture = {}
  const noted = await historyNumbers(raw, redis, name)
  const factsOf = (id: string, record: LiveRecord) =>
    facts(
      { ...record, timeouts: timeoutsOn(record, 1) },
      noted.get(id) ?? [],
      lostAttempts(record).map(({ number }) => number),
    )
  for (const [id, text] of raw.live) {
    const record = decodeRecord(text)
    const ages = `since ${record.effectiveAt || record.dueAt}, deadline ${record.deadlineAt}`
    picture[id] = `${placesOf(raw, id, record)}, ${ages}, ${factsOf(id, record)}`
  }
  for (const [id, text] of raw.outcomes) {
    const { state, code, finishedAt, expiresAt, header, record } = decodeOutcome(text)
    const endedBy = header.split("|").at(-1)
    const told = `${state} ${code} at ${finishedAt} by ${endedBy} until ${expiresAt}, ${factsOf(id, record)}`
    picture[id] = picture[id] === undefined ? told : `${picture[id]} AND ${told}`
  }
  for (const [index, members] of raw.finished) {
    for (const [member, expiresAt] of members)
      picture[`list ${index.split(":")[0]} ${member.split("|")[0]}`] = `until ${expiresAt}`
  }
  for (const key of raw.idempotencyKeys) picture[`key ${key}`] = "remembered"
  for (const [field, value] of raw.meta) {
    const [kind, what] = field.split(":")
    if (kind === "paused" && value === "1") picture[`paused ${what}`] = value
    if (kind === "blocked") {
      for (const [, until] of value.matchAll(/\S+ (\d+)/g))
        if (Number(until) > at) picture[`blocked ${what}`] = `${until}`
    }
    if (kind === "breaker") {
      const [state, until, trips, , failures, cause] = value.split(" ")
      if (state === "o" || Number(failures) > 0)
        picture[`breaker ${what}`] = `${until} ${cause}, trips ${trips}, failures ${failures}`
    }
    if (kind === "maintainedAt") picture.maintained = value
    if (kind === "drains")
      for (const [, owner, last] of value.matchAll(/(\S+) (\S+ \d+)/g)) picture[`drain ${owner}`] = `${last}`
  }
  return picture
}

function placesOf(raw: RawQueue, id: string, { line, owner, op }: LiveRecord): string {
  const places: string[] = []
  for (const [name, members] of raw.lines) {
    const score = members.get(id)
    if (score !== undefined) places.push(place(name.slice("line:".length), { at: "line", score }))
  }
  for (const [name, members] of raw.leases) {
    const expiresAt = members.get(id)
    if (expiresAt !== undefined)
      places.push(place(name.slice("leases:".length), { at: "lease", owner, op, expiresAt }))
  }
  const dueAt = raw.scheduled.get(id)
  if (dueAt !== undefined) places.push(place(line, { at: "scheduled", dueAt }))
  return places.join(" AND ") || "NOWHERE"
}

async function historyNumbers(raw: RawQueue, redis: RawRedis, name: string): Promise<Map<string, number[]>> {
  const ids = [...raw.ttls.keys()].flatMap((key) => /^attempts:(.*)$/.exec(key)?.[1] ?? [])
  const entries = ids.map(async (id): Promise<[string, number[]]> => {
    const numbers = await redis.sendCommand<string[]>(["HKEYS", `aiq:{${name}}:attempts:${id}`])
    return [id, numbers.map(Number)]
  })
  return new Map(await Promise.all(entries))
}
