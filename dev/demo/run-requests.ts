import { randomUUID } from "node:crypto"
import { setTimeout as wait } from "node:timers/promises"
import { isFinished, type RequestStatus } from "../../src/core/outcome.ts"
import type { DemoClient } from "./client.ts"
import type { PlannedRequest } from "./plan.ts"

/** One request on its way. */
export interface DemoRequest {
  planned: PlannedRequest
  /** null: not posted yet, or refused. */
  requestId: string | null
  /** Settles when its post has been answered; null: not sent yet. */
  posting: Promise<void> | null
  /** The latest that is known. */
  status: RequestStatus | null
  /** What went wrong, in words; such a request has no outcome that counts. */
  problem: string | null
}

/** What waits longer than this is failed by the queue, so that the demo ends. */
const DEADLINE_MS = 240_000
/** And what has none by then never will: the deadline, a call's timeout, a tick or two. */
const GIVE_UP_MS = DEADLINE_MS + 60_000
const POLL_MS = 400
const POLLS_AT_ONCE = 8

/**
 * Posts each request at its time and follows all to their outcome; `requests` is kept up to date on the way.
 * Resolves when every request has an outcome or a problem. Rejects when the signal aborts.
 */
export async function runRequests(
  client: DemoClient,
  requests: DemoRequest[],
  signal: AbortSignal,
): Promise<void> {
  const run = randomUUID()
  const startedAt = Date.now()
  const posting = Promise.all(
    requests.map(async (request, i) => {
      await wait(Math.max(0, startedAt + request.planned.atMs - Date.now()), undefined, { signal })
      const body = { ...request.planned.body, deadlineAt: Date.now() + DEADLINE_MS }
      request.posting = post(client, request, body, `demo-${run}-${i}`)
      await request.posting
    }),
  )
  // Its failure is met below; until then it must not count as unhandled.
  posting.catch(() => undefined)

  const lastAtMs = Math.max(...requests.map(({ planned }) => planned.atMs))
  while (requests.some(isOpen)) {
    await wait(POLL_MS, undefined, { signal })
    for (const [request, status] of await readStatuses(client, requests.filter(isOpen))) {
      // Once stored, it must be known until its time is over, which outlasts the demo.
      if (status === null) request.problem = "lost"
      else request.status = status
    }
    if (Date.now() > startedAt + lastAtMs + GIVE_UP_MS) break
  }
  await posting
  for (const request of requests.filter(isOpen)) request.problem = "no outcome"
  await confirmOutcomes(client, requests)
}

async function post(
  client: DemoClient,
  request: DemoRequest,
  body: Record<string, unknown>,
  idempotencyKey: string,
) {
  try {
    request.requestId = await client.post(body, idempotencyKey)
  } catch (error) {
    request.problem = error instanceof Error ? error.message : String(error)
  }
}

/** Without an outcome, and without a reason for that. */
export function isOpen({ status, problem }: DemoRequest): boolean {
  return problem === null && (status === null || !isFinished(status.state))
}

/** Reads each outcome once more: it must still be there, and the same, and no other request's. */
async function confirmOutcomes(client: DemoClient, requests: DemoRequest[]): Promise<void> {
  const finished = requests.filter(({ problem }) => problem === null)
  const again = await readStatuses(client, finished)
  const seen = new Set<string>()
  for (const request of finished) {
    request.problem = findFault(request.status, again.get(request) ?? null, seen)
  }
}

function findFault(first: RequestStatus | null, again: RequestStatus | null, seen: Set<string>) {
  if (first === null || again === null) return "an outcome that could not be read a second time"
  if (seen.has(again.requestId)) return "the same request twice"
  seen.add(again.requestId)
  if (again.state !== first.state || again.finishedAt !== first.finishedAt) return "a second outcome"
  const completions = again.attempts.filter(({ result }) => result === "completed").length
  return completions > 1 ? "completed more than once" : null
}

/** What the queue says of each; null: it does not know it. Without an answer a request is left out. */
async function readStatuses(
  client: DemoClient,
  requests: DemoRequest[],
): Promise<Map<DemoRequest, RequestStatus | null>> {
  const statuses = new Map<DemoRequest, RequestStatus | null>()
  const waiting = requests.values()
  const reader = async () => {
    for (const request of waiting) {
      if (request.requestId === null) continue
      const status = await client.status(request.requestId).catch(() => undefined)
      if (status !== undefined) statuses.set(request, status)
    }
  }
  await Promise.all(Array.from({ length: POLLS_AT_ONCE }, reader))
  return statuses
}

/** Takes back what has no outcome yet, so that an interrupted demo leaves nothing to be called. */
export async function cancelOpen(client: DemoClient, requests: DemoRequest[]): Promise<void> {
  // What is on its way may be stored before its answer is here.
  await Promise.all(requests.map(({ posting }) => posting))
  const open = requests.filter((request) => request.requestId !== null && isOpen(request)).values()
  const worker = async () => {
    for (const { requestId } of open) await client.cancel(requestId ?? "").catch(() => undefined)
  }
  await Promise.all(Array.from({ length: POLLS_AT_ONCE }, worker))
}
