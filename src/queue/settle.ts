import { lineKeys, type QueueContext, runWithLines } from "./context.ts"
import type { Settlement, SettleReply } from "./contract.ts"
import type { OutcomeSummary, StoredAttempt } from "./frames.ts"
import { dayOf } from "./keys.ts"
import type { ScriptCall } from "./store.ts"

/** One REST command may have 10 MB; what JSON escaping adds is measured, not guessed. */
const MAX_GROUP_BYTES = 8_000_000
const MAX_GROUP_SIZE = 200

/** A settlement in the words of the script. */
interface Item {
  settlement: Settlement
  index: string | null
  args: (string | number)[]
  bytes: number
}

export async function settle(context: QueueContext, settlements: Settlement[]): Promise<SettleReply[]> {
  const replies = new Map<Settlement, SettleReply>()
  for (const group of settleGroups(context, settlements)) {
    const [answers] = await runWithLines<[string[]]>(context, "settle", () => [
      settleCall(context, group, []),
    ])
    await readReplies(context, group, answers, replies)
  }
  return settlements.map((settlement) => replies.get(settlement) ?? "gone")
}

/** Groups that fit one command, with no request twice in one of them. */
export function settleGroups(context: QueueContext, settlements: Settlement[]): Item[][] {
  const groups: Item[][] = []
  let bytes = 0
  let ids = new Set<string>()
  for (const settlement of settlements) {
    const item = encodeSettlement(context, settlement)
    const group = groups.at(-1)
    const isFull = bytes + item.bytes > MAX_GROUP_BYTES || ids.size === MAX_GROUP_SIZE
    if (group === undefined || isFull || ids.has(settlement.lease.requestId)) {
      groups.push([item])
      bytes = item.bytes
      ids = new Set([settlement.lease.requestId])
    } else {
      group.push(item)
      bytes += item.bytes
      ids.add(settlement.lease.requestId)
    }
  }
  return groups
}

/** `moreIndexes`: indexes of earlier failures that a late success replaces. */
export function settleCall(context: QueueContext, group: Item[], moreIndexes: string[]): ScriptCall {
  const { keys, lines, settings, clock } = context
  const indexes = [...new Set([...group.flatMap(({ index }) => index ?? []), ...moreIndexes])]
  const blocks = group.flatMap(({ settlement: { report } }) => {
    if (report?.health === "account") return [`${report.provider} ${clock() + 60_000} account`]
    return report?.blockedUntil ? [`${report.provider} ${report.blockedUntil} rate`] : []
  })
  return {
    name: "settle",
    keys: [
      ...[keys.meta, keys.live, keys.scheduled, keys.deadlines, ...lineKeys(context)],
      ...indexes.map((index) => keys.finishedIndex(index)),
      ...group.flatMap(({ settlement: { lease } }) => [
        ...[keys.head(lease.requestId), keys.body(lease.requestId)],
        ...[keys.outcome(lease.requestId), keys.attempts(lease.requestId)],
      ]),
    ],
    args: [
      ...[clock(), lines.join(" "), settings.retryPenaltyMs, indexes.join(" "), blocks.join(" ")],
      ...group.flatMap(({ args }) => args),
    ],
  }
}

export async function readReplies(
  context: QueueContext,
  group: Item[],
  answers: string[],
  replies: Map<Settlement, SettleReply>,
): Promise<void> {
  const again: Item[] = []
  const indexes: string[] = []
  for (const [i, item] of group.entries()) {
    const answer = answers[i] ?? "gone"
    if (answer.startsWith("again:")) {
      again.push(item)
      indexes.push(answer.slice("again:".length))
    } else {
      replies.set(item.settlement, answer as SettleReply)
    }
  }
  if (again.length === 0) return
  const [second] = await runWithLines<[string[]]>(context, "settle", () => [
    settleCall(context, again, indexes),
  ])
  await readReplies(context, again, second, replies)
}

function encodeSettlement(context: QueueContext, settlement: Settlement): Item {
  const { lease, decision, attempt, result } = settlement
  const { settings, clock } = context
  const ttlSeconds = decision.kind === "failed" ? settings.deadLetterTtlSeconds : lease.resultTtlSeconds
  const expiresAt = clock() + ttlSeconds * 1000
  const isFinal = decision.kind === "completed" || decision.kind === "failed"
  const { response, ...rest } = result
  const summary: OutcomeSummary = { ...rest, attempt: decision.kind === "completed" ? attempt : null }
  const stored: StoredAttempt | null = attempt && { ...attempt, usage: result.usage }
  const texts = [
    stored === null ? "" : JSON.stringify(stored),
    isFinal ? JSON.stringify(summary) : "",
    isFinal && response !== null ? JSON.stringify(response) : "",
  ]
  return {
    settlement,
    index: isFinal ? `${decision.kind}:${dayOf(expiresAt)}` : null,
    args: [
      ...[lease.requestId, lease.attempt, lease.op, decision.kind],
      decision.kind === "retry" ? decision.dueAt : expiresAt,
      ...[
        decision.kind === "failed" ? (result.error?.code ?? "internal") : "",
        isTimeout(settlement) ? 1 : 0,
      ],
      attempt === null ? 0 : Math.max(attempt.finishedAt - attempt.startedAt, 0),
      ...texts,
    ],
    bytes: texts.reduce((sum, text) => sum + encodedLength(text), 500),
  }
}

function isTimeout({ attempt }: Settlement): boolean {
  return attempt?.error?.code === "timeout"
}

const encoder = new TextEncoder()

function encodedLength(text: string): number {
  return text.length < 100_000 ? text.length * 2 : encoder.encode(JSON.stringify(text)).length
}
