import { AppError } from "../core/errors.ts"
import { requestIdTime } from "../core/ids.ts"
import type { Callback, RequestBody, RequestHead } from "../core/request.ts"
import { learn, lineKeys, type QueueContext, runWithLines } from "./context.ts"
import type { Enqueued, EnqueueReply, Idempotency, NewRequest } from "./contract.ts"
import { encodeBody, encodeMetadata } from "./frames.ts"
import { dayOf } from "./keys.ts"
import { encodeRecord, newRecord } from "./record.ts"
import { levelOf } from "./score.ts"
import { findStatus } from "./status.ts"
import { encodeTargets, lineOf } from "./targets.ts"

/** A list entry is removed when its request is; the key's own expiry is only the net beneath that. */
export const RECENT_TTL_DAYS = 62
const CHARACTERS_PER_TOKEN = 4
const DEFAULT_OUTPUT_TOKENS = 1000
const QUEUE_FULL_RETRY_AFTER_SECONDS = 30
/** Lines of batches, which can wait, leave the rest of the room to those that are waited for. */
const BATCH_SHARE = 0.8
const encoder = new TextEncoder()

type Reply =
  | ["stored", number, number]
  | ["repeated"]
  | ["remembered", string, number, number]
  | ["mismatch"]
  | ["full", string]
  | ["closed"]

/** Stores all or none, once: see `lua/enqueue.lua`. */
export async function enqueue(
  context: QueueContext,
  requests: NewRequest[],
  idempotency: Idempotency | null,
): Promise<Enqueued> {
  const { keys, settings } = context
  const now = context.clock()
  const replies = requests.map(({ head }): EnqueueReply => {
    const state = firstDueAt(head) > now ? "scheduled" : "pending"
    return { requestId: head.requestId, state, position: null, createdAt: head.createdAt }
  })
  const organizations = [...new Set(requests.map(({ head }) => head.organizationId))]
  const day = dayOf(requestIdTime(requests[0]?.head.requestId ?? ""))
  const recentKeys = organizations.map((organization) => keys.recent(organization, day))
  const args = requests.flatMap((request) => encodeRequest(request, organizations))
  learn(
    context,
    requests.map(({ head }) => lineOf(head)),
  )
  const batchId = requests[0]?.head.batchId ?? ""
  const room = (most: number) => (batchId === "" ? most : Math.ceil(most * BATCH_SHARE))
  const [reply] = await runWithLines<[Reply]>(context, "enqueue", () => [
    {
      name: "enqueue",
      keys: [
        ...[keys.meta, keys.live, keys.scheduled, keys.deadlines, ...lineKeys(context)],
        ...recentKeys,
        ...(idempotency === null ? [] : [keys.idempotency(idempotency.organizationId, idempotency.keyHash)]),
        ...requests.flatMap(({ head: { requestId } }) => [
          ...[keys.metadata(requestId), keys.body(requestId), keys.outcome(requestId)],
        ]),
      ],
      args: [
        ...[now, context.lines.join(" "), settings.fairShareMs],
        ...[room(settings.maxPending), room(settings.maxPendingPerOrganization)],
        ...[idempotency?.bodyHash ?? "", idempotency === null ? "" : JSON.stringify(replies)],
        organizations.join(" "),
        (day + RECENT_TTL_DAYS) * 86_400,
        batchId,
        ...args,
      ],
    },
  ])
  return answer(context, replies, reply)
}

function encodeRequest(request: NewRequest, organizations: string[]): (string | number)[] {
  const { head, body } = request
  const bodyText = encodeBody(body)
  const dueAt = firstDueAt(head)
  const metadata = encodeMetadata(head)
  const record = newRecord({
    line: lineOf(head),
    level: levelOf(head.priority),
    organization: head.organizationId,
    createdAt: head.createdAt === dueAt ? 0 : head.createdAt,
    scheduledAt: head.scheduledAt ?? 0,
    dueAt,
    bytes: encoder.encode(metadata + bodyText).length,
    tokens: estimateTokens(body, bodyText.length),
    timeoutMs: head.timeoutMs,
    deadlineAt: head.deadlineAt ?? 0,
    resultTtlSeconds: head.resultTtlSeconds,
    maxRetries: head.maxRetries,
    simulated: head.simulated ? 1 : 0,
    metadata: metadata === "" ? 0 : 1,
    callback: head.callback === null ? "" : callbackLetters(head.callback),
    batch: head.batchId ?? "",
    trace: request.trace ?? "",
    ...encodeTargets(request),
  })
  const organization = organizations.indexOf(head.organizationId) + 1
  return [head.requestId, organization, encodeRecord(record), metadata, bodyText]
}

/** As `lua/include/finish.lua` reads them. */
const CALLBACK_LETTERS = { "request.completed": "c", "request.failed": "f", "request.cancelled": "x" }

function callbackLetters({ events }: Callback): string {
  return events.map((event) => CALLBACK_LETTERS[event]).join("")
}

async function answer(context: QueueContext, replies: EnqueueReply[], reply: Reply): Promise<Enqueued> {
  switch (reply[0]) {
    case "stored":
      return { requests: placed(replies, reply[1], reply[2]), replayed: false }
    case "remembered": {
      const first = placed(JSON.parse(reply[1]) as EnqueueReply[], reply[2], reply[3])
      // The same ids: this very call was executed, only its answer was lost.
      return { requests: first, replayed: first[0]?.requestId !== replies[0]?.requestId }
    }
    case "repeated":
      return { requests: await present(context, replies), replayed: false }
    case "mismatch":
      throw new AppError("idempotency_mismatch", "This Idempotency-Key was used with another body.", {
        op: "enqueue",
      })
    case "closed":
      throw new AppError("conflict", "The batch takes no more requests: it is being cancelled.", {
        op: "enqueue",
      })
    case "full":
      throw fullError(context, reply[1])
  }
}

function placed(replies: EnqueueReply[], first: number, last: number): EnqueueReply[] {
  const position = (i: number) => (i === 0 ? first : i === replies.length - 1 ? last : -1)
  return replies.map((reply, i) => ({ ...reply, position: position(i) === -1 ? null : position(i) }))
}

/** A repeated enqueue answers with the present place of the first and the last. */
async function present(context: QueueContext, replies: EnqueueReply[]): Promise<EnqueueReply[]> {
  const statuses = await Promise.all(
    replies.map((reply, i) =>
      i === 0 || i === replies.length - 1 ? findStatus(context, reply.requestId, null) : null,
    ),
  )
  return replies.map((reply, i) => {
    const status = statuses[i]
    return status == null ? reply : { ...reply, state: status.state, position: status.position }
  })
}

function fullError({ settings }: QueueContext, organization: string): AppError {
  const message =
    organization === ""
      ? `The queue holds ${settings.maxPending} unfinished requests, the most it takes.`
      : `Organization ${organization} has ${settings.maxPendingPerOrganization} unfinished requests, the most one may have.`
  return new AppError("queue_full", message, {
    op: "enqueue",
    retryAfterSeconds: QUEUE_FULL_RETRY_AFTER_SECONDS,
  })
}

function firstDueAt(head: RequestHead): number {
  return Math.max(head.scheduledAt ?? 0, head.createdAt)
}

/** A rough count for rate limits: input by characters, output by what was asked for. */
function estimateTokens({ options }: RequestBody, characters: number): number {
  const asked = options.max_completion_tokens ?? options.max_tokens
  const output = typeof asked === "number" && asked > 0 ? Math.ceil(asked) : DEFAULT_OUTPUT_TOKENS
  return Math.ceil(characters / CHARACTERS_PER_TOKEN) + output
}
