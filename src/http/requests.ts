import { tenantOf } from "../auth/principal.ts"
import { checkDeadline, readBulk, readRequest } from "../core/contracts/new-request.ts"
import { MAX_WAIT_SECONDS, ReplayBody, StatusQuery } from "../core/contracts/parameters.ts"
import { check, invalid } from "../core/contracts/problem.ts"
import { AppError } from "../core/errors.ts"
import type { StatusOptions, StatusReply } from "../queue/contract.ts"
import { reportCancelled, reportReplayed } from "../queue/report.ts"
import { auditEntry } from "./audit.ts"
import { readJson, readOptionalJson } from "./body.ts"
import type { App, AppContext } from "./context.ts"
import { type EnqueuedRequest, enqueue, present } from "./enqueue.ts"
import { awaitRequest } from "./follow/await-request.ts"
import { listRequests } from "./list.ts"
import { readPreferences } from "./preferences.ts"
import { readQuery } from "./query.ts"
import { knownShape, readStatus, unknownRequest } from "./read-status.ts"
import { afterAnswer, resource, sendSpans, servicesOf, wakeLanes } from "./resource.ts"
import { retryAfterSeconds } from "./retry-after.ts"
import { checkEntrySizes, MAX_BULK_BYTES, MAX_SMALL_BYTES } from "./sizes.ts"
import { mountSweeps } from "./sweep.ts"

export function mountRequests(app: App): void {
  resource(app, "/v1/requests", {
    POST: { scope: "enqueue", handle: postRequest },
    GET: { scope: "read", handle: listRequests },
  })
  resource(app, "/v1/requests/bulk", { POST: { scope: "enqueue", handle: postBulk } })
  // Before what takes any name for an id.
  mountSweeps(app)
  resource(app, "/v1/requests/:requestId", {
    GET: { scope: "read", handle: getRequest },
    DELETE: { scope: "cancel", handle: deleteRequest },
  })
  resource(app, "/v1/requests/:requestId/replay", { POST: { scope: "enqueue", handle: replayRequest } })
}

async function postRequest(c: AppContext): Promise<Response> {
  const body = await readJson(c, servicesOf(c).config.maxRequestBytes)
  const [request] = await enqueue(c, body, readRequest)
  return answerAccepted(c, request)
}

async function postBulk(c: AppContext): Promise<Response> {
  const body = await readJson(c, MAX_BULK_BYTES)
  checkEntrySizes(body.value, body.bytes, servicesOf(c).config.maxRequestBytes)
  return c.json({ requests: await enqueue(c, body, readBulk) }, 202)
}

/** Answers when the request is finished, at the latest after as long as the caller is ready to wait. */
async function getRequest(c: AppContext): Promise<Response> {
  const { include, wait } = readQuery(c, StatusQuery)
  const seconds = wait ?? readPreferredWait(c) ?? 0
  const status = await awaitRequest(c, c.req.param("requestId"), {
    includeMessages: include === "messages",
    untilAt: servicesOf(c).clock() + seconds * 1000,
    signal: c.req.raw.signal,
  })
  sayWhenToAskAgain(c, status)
  return c.json(status)
}

/** `Prefer: wait=…`, at most as long as `?wait` may be; null: there is none. */
function readPreferredWait(c: AppContext): number | null {
  const wait = readPreferences(c.req.header("Prefer")).get("wait")
  if (wait === undefined || !/^\d{1,9}$/.test(wait)) return null
  const seconds = Math.min(Number(wait), MAX_WAIT_SECONDS)
  c.header("Preference-Applied", `wait=${seconds}`)
  return seconds
}

async function deleteRequest(c: AppContext): Promise<Response> {
  const requestId = c.req.param("requestId")
  return c.json({ requestId, ...(await cancelRequest(c, requestId)) })
}

async function replayRequest(c: AppContext): Promise<Response> {
  const { queue, clock } = servicesOf(c)
  const { value } = await readOptionalJson(c, MAX_SMALL_BYTES)
  const read = check(ReplayBody, value)
  if (read.value === null) throw invalid("The body", read.problems)
  const { deadlineAt = null } = read.value
  const problems = checkDeadline(deadlineAt, null, clock(), ["deadlineAt"])
  if (problems.length > 0) throw invalid("The body", problems)

  const requestId = knownShape(c.req.param("requestId"))
  const audit = auditEntry(c, "request.replayed", requestId)
  const reply = await queue.replay(requestId, tenantOf(c.get("principal")), { deadlineAt }, audit)
  reportReplayed(servicesOf(c), requestId, reply)
  if (reply.kind === "unknown") throw unknownRequest()
  if (reply.kind === "conflict") {
    throw new AppError("conflict", `Only a failed request can be replayed; this one is ${reply.state}.`)
  }
  wakeLanes(c)
  return answerAccepted(c, present(reply.reply, reply.head))
}

export function answerAccepted(c: AppContext, request: EnqueuedRequest | undefined): Response {
  c.header("Location", `/v1/requests/${request?.requestId}`)
  return c.json(request, 202)
}

/**
 * Throws `not_found` when it is unknown, past its TTL, or another organization's. One round trip, or none. Of an
 * unfinished one the answer will say when to ask again.
 */
export async function findRequest(
  c: AppContext,
  requestId: string | undefined,
  options: StatusOptions = {},
): Promise<StatusReply> {
  const status = await readStatus(c, requestId, options)
  sayWhenToAskAgain(c, status)
  return status
}

function sayWhenToAskAgain(c: AppContext, status: StatusReply): void {
  const seconds = retryAfterSeconds(status, servicesOf(c).clock())
  if (seconds !== null) c.header("Retry-After", String(seconds))
}

/** Cancels a request, or discards a dead letter unless that is to be kept. Throws `not_found`, and `conflict` for one that is finished. */
export async function cancelRequest(
  c: AppContext,
  requestId: string | undefined,
  deadLetter: "discard" | "keep" = "discard",
): Promise<{ state: "cancelled" } | { state: "failed"; discarded: true }> {
  const { queue, lanes } = servicesOf(c)
  const id = knownShape(requestId)
  const audit = auditEntry(c, "request.cancelled", id)
  const reply = await queue.cancel(id, tenantOf(c.get("principal")), audit, deadLetter)
  reportCancelled(servicesOf(c), id, reply)
  sendSpans(c)
  switch (reply.kind) {
    case "cancelled":
      if (reply.choresDue) afterAnswer(c, lanes.wakeChores())
      if (reply.owner !== null) afterAnswer(c, lanes.abort(reply.owner, id, reply.attempt))
      return { state: "cancelled" }
    case "discarded":
      return { state: "failed", discarded: true }
    case "completed":
      throw new AppError("conflict", "The request is completed: there is nothing left to cancel.")
    case "unknown":
      throw unknownRequest()
  }
}
