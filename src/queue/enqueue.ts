import { AppError } from "../core/errors.ts"
import { requestIdTime } from "../core/ids.ts"
import type { RequestBody, RequestHead } from "../core/request.ts"
import type { QueueContext } from "./context.ts"
import { learn, lineKeys, runWithLines } from "./context.ts"
import type { EnqueueReply, NewRequest } from "./contract.ts"
import { encodeFrame } from "./frames.ts"
import { dayOf } from "./keys.ts"
import { encodeRecord, newRecord } from "./record.ts"
import { levelOf } from "./score.ts"
import { findStatus } from "./status.ts"

/** A list entry is removed when its request is; the key's own expiry is only the net beneath that. */
export const RECENT_TTL_DAYS = 62
const CHARACTERS_PER_TOKEN = 4
const DEFAULT_OUTPUT_TOKENS = 1000
const QUEUE_FULL_RETRY_AFTER_SECONDS = 30
const encoder = new TextEncoder()

type Reply = ["stored", number, number] | ["repeated"] | ["full"]

export async function enqueue(context: QueueContext, requests: NewRequest[]): Promise<EnqueueReply[]> {
  const now = context.clock()
  const expiryByRecentKey = new Map<string, number>()
  for (const { head } of requests) {
    expiryByRecentKey.set(recentKey(context, head), (createdOn(head) + RECENT_TTL_DAYS) * 86_400)
  }
  const recentKeys = [...expiryByRecentKey.keys()]
  const args = requests.flatMap((request) => {
    const { head } = request
    const body = encodeFrame(request.body)
    const record = newRecord({
      line: head.provider,
      level: levelOf(head.priority),
      organization: head.organizationId,
      dueAt: Math.max(head.scheduledAt ?? 0, head.createdAt),
      bytes: encoder.encode(body).length,
      tokens: estimateTokens(request.body, body.length),
      timeoutMs: head.timeoutMs,
      deadlineAt: head.deadlineAt ?? 0,
      resultTtlSeconds: head.resultTtlSeconds,
    })
    const recentIndex = recentKeys.indexOf(recentKey(context, head)) + 1
    return [head.requestId, recentIndex, encodeRecord(record), encodeFrame(head), body]
  })
  const { keys } = context
  const build = () => [
    {
      name: "enqueue" as const,
      keys: [
        ...[keys.meta, keys.live, keys.scheduled, keys.deadlines, ...lineKeys(context), ...recentKeys],
        ...requests.flatMap(({ head: { requestId: id } }) => [
          keys.head(id),
          keys.body(id),
          keys.outcome(id),
        ]),
      ],
      args: [
        ...[now, context.lines.join(" "), context.settings.maxPending, recentKeys.length],
        ...expiryByRecentKey.values(),
        ...args,
      ],
    },
  ]
  learn(
    context,
    requests.map(({ head }) => head.provider),
  )
  const [reply] = await runWithLines<[Reply]>(context, "enqueue", build)
  if (reply[0] === "full") {
    const options = { op: "enqueue", retryAfterSeconds: QUEUE_FULL_RETRY_AFTER_SECONDS }
    throw new AppError(
      "queue_full",
      `The queue holds its most of ${context.settings.maxPending} requests.`,
      options,
    )
  }
  return answer(context, requests, reply, now)
}

/** A repeated enqueue answers with the present state of the first and the last, as the first time. */
async function answer(
  context: QueueContext,
  requests: NewRequest[],
  reply: Reply,
  now: number,
): Promise<EnqueueReply[]> {
  const replies = requests.map(({ head }): EnqueueReply => {
    const state = Math.max(head.scheduledAt ?? 0, head.createdAt) > now ? "scheduled" : "pending"
    return { requestId: head.requestId, state, position: null }
  })
  const ends = [...new Set([replies[0], replies.at(-1)])].filter((end) => end !== undefined)
  for (const [i, end] of ends.entries()) {
    if (reply[0] === "stored") {
      const position = i === 0 ? reply[1] : reply[2]
      end.position = position === -1 ? null : position
    } else {
      const status = await findStatus(context, end.requestId, null)
      if (status !== null) Object.assign(end, { state: status.state, position: status.position })
    }
  }
  return replies
}

/** By the id, so that whoever holds only that finds the index. */
function createdOn({ requestId }: RequestHead): number {
  return dayOf(requestIdTime(requestId))
}

function recentKey({ keys }: QueueContext, head: RequestHead): string {
  return keys.recent(head.organizationId, createdOn(head))
}

/** A rough count for rate limits: input by characters, output by what was asked for. */
function estimateTokens({ options }: RequestBody, characters: number): number {
  const asked = options.max_completion_tokens ?? options.max_tokens
  const output = typeof asked === "number" && asked > 0 ? Math.ceil(asked) : DEFAULT_OUTPUT_TOKENS
  return Math.ceil(characters / CHARACTERS_PER_TOKEN) + output
}
