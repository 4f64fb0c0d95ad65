import type { Quota, Quotas } from "../core/limits.ts"
import type { AttemptRecord } from "../core/outcome.ts"
import { drainArgs, lineKeys, type QueueContext, runWithLines } from "./context.ts"
import type { Settlement, SettleReply } from "./contract.ts"
import type { OutcomeSummary, StoredAttempt } from "./frames.ts"
import { dayOf } from "./keys.ts"
import type { ScriptCall } from "./store.ts"
import { targetName } from "./targets.ts"

/** One REST command may have 10 MB; what JSON escaping adds is measured, not guessed. */
const MAX_GROUP_BYTES = 8_000_000
const MAX_GROUP_SIZE = 200

/** A settlement in the words of the script. */
export interface Item {
  settlement: Settlement
  index: string | null
  args: (string | number)[]
  bytes: number
}

type Reply = ["settled", string[]]

export async function settle(context: QueueContext, settlements: Settlement[]): Promise<SettleReply[]> {
  const replies = new Map<Settlement, SettleReply>()
  for (const group of settleGroups(context, settlements)) await settleGroup(context, group, [], replies)
  return settlements.map((settlement) => replies.get(settlement) ?? "gone")
}

async function settleGroup(
  context: QueueContext,
  group: Item[],
  moreIndexes: string[],
  replies: Map<Settlement, SettleReply>,
): Promise<void> {
  const [[, answers]] = await runWithLines<[Reply]>(context, "settle", () => {
    const { keys, args } = settleCall(context, group, moreIndexes)
    return [{ name: "settle", keys, args: [...drainArgs(context), ...args] }]
  })
  await readReplies(context, group, answers, replies)
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

/** Keys, and the arguments of `lua/include/settling.lua`. `moreIndexes`: of earlier failures that a late success replaces. */
export function settleCall(
  context: QueueContext,
  group: Item[],
  moreIndexes: string[],
): Pick<ScriptCall, "keys" | "args"> {
  const { keys } = context
  const indexes = [...new Set([...group.flatMap(({ index }) => index ?? []), ...moreIndexes])]
  const organizations = new Set(group.map(({ settlement }) => settlement.lease.organizationId))
  return {
    keys: [
      ...[keys.meta, keys.live, keys.scheduled, keys.deadlines, keys.chores, ...lineKeys(context)],
      ...indexes.map((index) => keys.finishedIndex(index)),
      ...group.flatMap(({ settlement: { lease } }) => [
        ...[keys.metadata(lease.requestId), keys.body(lease.requestId)],
        ...[keys.outcome(lease.requestId), keys.attempts(lease.requestId)],
      ]),
    ],
    args: [indexes.join(" "), [...organizations].join(" "), ...group.flatMap(({ args }) => args)],
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
  if (again.length > 0) await settleGroup(context, again, indexes, replies)
}

function encodeSettlement(context: QueueContext, settlement: Settlement): Item {
  const { lease, decision, attempt, result, report } = settlement
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
      ...[report === null ? "" : targetName(report), report?.health ?? "unknown"],
      ...[report?.blockedUntil ?? 0, report?.usedTokens ?? "", encodeQuotas(report?.quotas ?? null)],
      ...[attempt?.provider ?? "", attempt === null ? "" : cameTo(attempt)],
    ],
    bytes: texts.reduce((sum, text) => sum + encodedLength(text), 500),
  }
}

/** What figures count an attempt as. */
function cameTo({ error, result }: AttemptRecord): string {
  return error?.code ?? (result === "completed" ? "completed" : "cancelled")
}

function encodeQuotas(quotas: Quotas | null): string {
  const encode = (kind: string, quota: Quota | null | undefined) =>
    quota == null ? [] : [kind, quota.limit, quota.remaining, Math.ceil(quota.fullAt)]
  return [...encode("R", quotas?.requests), ...encode("T", quotas?.tokens)].join(" ")
}

function isTimeout({ attempt }: Settlement): boolean {
  return attempt?.error?.code === "timeout"
}

const encoder = new TextEncoder()

function encodedLength(text: string): number {
  return text.length < 100_000 ? text.length * 2 : encoder.encode(JSON.stringify(text)).length
}
