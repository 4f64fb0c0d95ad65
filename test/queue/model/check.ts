import { expect } from "vitest"
import { FINISHED_STATES, PRIORITIES, STATES } from "../../../src/core/request.ts"
import type { StatusReply } from "../../../src/queue/contract.ts"
import type { TestQueue } from "../../helpers/queue.ts"
import { holds, isPaused } from "./claiming.ts"
import { breakerOf, inOrder, type ModelState, positionOf } from "./state.ts"
import { stateOf } from "./transitions.ts"
import type { World } from "./world.ts"

/** What a process says of the queue, and of these requests, agrees with the model. */
export async function checkReads(world: World, client: 0 | 1, ids: string[]): Promise<void> {
  const { state, clients, latest } = world
  const queue = clients[client]
  const [stats, ...statuses] = await Promise.all([queue.stats(), ...ids.map((id) => queue.status(id, null))])
  expect(statuses.map(plainStatus)).toEqual(ids.map((id) => expectedStatus(state, id)))
  expect(plainStats(stats, queue, latest)).toEqual(expectedStats(state, queue, latest))
  expect(stats.oldestPendingAgeMs === null).toBe(stats.counts.pending === 0)
}

/** So does what it says of the leases that were given out, and of its health. */
export async function checkLeases({ state, clients, leases }: World, client: 0 | 1): Promise<void> {
  const given = leases.map(({ lease }) => lease)
  const lost = given.filter((lease) => {
    const live = state.live.get(lease.requestId)
    return live === undefined || !holds(live, lease)
  })
  expect((await clients[client].lookAtLeases(given)).lost).toEqual(lost)
  const backlog = inOrder(state, ["openai", "anthropic"]).length
  expect(await clients[client].health()).toMatchObject({ store: { ok: true }, backlog })
}

/** Every page of every list, which together show each request once. */
export async function checkLists(world: World, client: 0 | 1): Promise<void> {
  const queue = world.clients[client]
  const { state } = world
  // The store counts TTLs in whole seconds, so an outcome may outlive its place in the lists by one.
  const listed = [...state.outcomes.keys()].filter((id) => state.index.has(id))
  const known = [...state.live.keys(), ...listed].sort().reverse()
  const organizationOf = (id: string) =>
    (state.live.get(id) ?? state.outcomes.get(id)?.request)?.organizationId
  for (const organizationId of ["org-1", "org-2"]) {
    const mine = known.filter((id) => organizationOf(id) === organizationId)
    expect(await everyPage(queue, { state: null, organizationId })).toEqual(mine)
  }
  for (const each of STATES) {
    const inState = known.filter((id) => stateOf(state, id) === each)
    expect(await everyPage(queue, { state: each, organizationId: null })).toEqual(inState)
  }
}

const MAX_PAGES = 300

async function everyPage(
  queue: TestQueue,
  filter: Pick<Parameters<TestQueue["list"]>[0], "state" | "organizationId">,
): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | null = null
  for (let page = 0; page < MAX_PAGES; page++) {
    const { data, nextCursor } = await queue.list({ ...filter, limit: 3, cursor })
    ids.push(...data.map(({ requestId }) => requestId))
    if (nextCursor === null) return ids
    cursor = nextCursor
  }
  throw new Error(`a list has more than ${MAX_PAGES} pages`)
}

interface PlainStatus {
  state: string
  position: number | null
  dueAt: number | null
  deadlineAt: number | null
  replays: number
  attempts: number[]
  finishedAt: number | null
  answered: boolean
}

function plainStatus(status: StatusReply | null): PlainStatus | null {
  if (status === null) return null
  const { state, position, scheduledAt, deadlineAt, replays, attempts, finishedAt, response } = status
  const dueAt = state === "scheduled" ? scheduledAt : null
  const numbers = attempts.map(({ number }) => number)
  return {
    state,
    position,
    dueAt,
    deadlineAt,
    replays,
    attempts: numbers,
    finishedAt,
    answered: response !== null,
  }
}

function expectedStatus(state: ModelState, id: string): PlainStatus | null {
  const live = state.live.get(id)
  const outcome = state.outcomes.get(id)
  const request = live ?? outcome?.request
  const told = stateOf(state, id)
  if (request === undefined || told === null) return null
  const numbers = new Set([...request.lostAttempts, ...(state.noted.get(id) ?? [])])
  if (outcome?.state === "completed") numbers.add(outcome.endedBy)
  if (outcome !== undefined && outcome.abandonedBy !== null) numbers.add(request.attempt)
  return {
    state: told,
    position: positionOf(state, id),
    dueAt: live?.place.at === "scheduled" ? live.place.dueAt : null,
    deadlineAt: request.deadlineAt,
    replays: request.replays,
    attempts: [...numbers].sort((a, b) => a - b),
    finishedAt: outcome?.finishedAt ?? null,
    answered: told === "completed",
  }
}

type Stats = Awaited<ReturnType<TestQueue["stats"]>>

/** A block that is over by the clock that is ahead: its process may have forgotten what the other still minds. */
function still(until: number | null, latest: number): number | null {
  return until !== null && until > latest ? until : null
}

function plainStats(stats: Stats, queue: TestQueue, latest: number) {
  const { counts, pendingByPriority, pendingByProvider, providers } = stats
  const lines = queue.settings.providers
  return {
    counts,
    pendingByPriority,
    pending: lines.map((line) => pendingByProvider[line]),
    providers: lines.map((line) => {
      const provider = providers[line]
      return provider && { ...provider, blockedUntil: still(provider.blockedUntil, latest) }
    }),
  }
}

function expectedStats(state: ModelState, queue: TestQueue, latest: number): ReturnType<typeof plainStats> {
  const now = queue.clock()
  const live = [...state.live.values()]
  const lines = queue.settings.providers
  const liveIn = (at: string) => live.filter(({ place }) => place.at === at).length
  const kept = (of: string) =>
    [...state.index.values()].filter((entry) => entry.state === of && entry.expiresAt > now).length
  const [completed = 0, failed = 0, cancelled = 0] = FINISHED_STATES.map(kept)
  const pending = inOrder(state, ["openai", "anthropic"])
  return {
    counts: {
      ...{ scheduled: liveIn("scheduled"), pending: liveIn("line"), processing: liveIn("lease") },
      ...{ completed, failed, cancelled },
    },
    pendingByPriority: Object.fromEntries(
      PRIORITIES.map((level) => [level, pending.filter(({ priority }) => priority === level).length]),
    ) as Stats["pendingByPriority"],
    pending: lines.map((line) => inOrder(state, [line]).length),
    providers: lines.map((line) => {
      const { openUntil } = breakerOf(state, line)
      const until = Math.max(state.blocks.get(line) ?? 0, openUntil ?? 0)
      return {
        inFlight: live.filter((each) => each.line === line && each.place.at === "lease").length,
        blockedUntil: still(until, latest),
        breaker: openUntil === null ? "closed" : openUntil > now ? "open" : "half_open",
        paused: isPaused(state, line),
      }
    }),
  }
}
