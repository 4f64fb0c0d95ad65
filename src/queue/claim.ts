import { lineKeys, type QueueContext, runWithLines } from "./context.ts"
import type { Claim, ClaimedRequest, ClaimOptions, Lease, Overdue } from "./contract.ts"
import { decodeBody, decodeHead } from "./frames.ts"
import { decodeRecord } from "./record.ts"
import type { ScriptCall } from "./store.ts"

/** Beyond the longer of MAX_PROCESSING_TIME_MS and the timeout: 20 s to wait for a slot, 10 s of clock skew, 5 s to settle. */
const LEASE_MARGIN_MS = 35_000
const OVERDUE_LEASE_MS = 30_000
const NEVER = 99_999_999_999_999

type Reply = ["claimed", string, number, number, string[], string[]]
export type ClaimReply = Reply

export function claimCall(context: QueueContext, options: ClaimOptions, op: string): ScriptCall {
  const { keys, lines, settings, clock } = context
  return {
    name: "claim",
    keys: [keys.meta, keys.live, keys.scheduled, keys.deadlines, ...lineKeys(context)],
    args: [
      ...[clock(), lines.join(" "), settings.providers.join(" ")],
      ...[options.owner, op, options.limit, options.maxBytes],
      ...[settings.maxProcessingTimeMs, LEASE_MARGIN_MS, options.maxTimeoutMs, settings.retryPenaltyMs],
    ],
  }
}

export async function claim(context: QueueContext, options: ClaimOptions): Promise<Claim> {
  const op = context.nextOp()
  const [reply] = await runWithLines<[Reply]>(context, "claim", () => [claimCall(context, options, op)])
  return readClaim(context, reply, op)
}

/** Fetches heads and bodies of what was claimed: one more round trip, none when nothing was. */
export async function readClaim(context: QueueContext, reply: ClaimReply, op: string): Promise<Claim> {
  const now = context.clock()
  const [, wakeAt, remaining, maintenanceDue, claimed, overdue] = reply
  return {
    requests: await readRequests(context, claimed, op),
    overdue: triples(overdue).map(
      ([requestId, attempt, reason]): Overdue => ({
        lease: {
          requestId,
          attempt: Number(attempt),
          op: reason,
          expiresAt: now + OVERDUE_LEASE_MS,
          organizationId: "",
          resultTtlSeconds: 0,
        },
        reason: reason as Overdue["reason"],
      }),
    ),
    wakeAt: Number(wakeAt) === NEVER ? null : Number(wakeAt),
    remaining,
    maintenanceDue: maintenanceDue === 1,
  }
}

async function readRequests(context: QueueContext, claimed: string[], op: string): Promise<ClaimedRequest[]> {
  const entries = triples(claimed)
  if (entries.length === 0) return []
  const { keys } = context
  const names = entries.flatMap(([requestId]) => [keys.head(requestId), keys.body(requestId)])
  const [texts] = await context.store.query<[(string | null)[]]>("claim", [["MGET", ...names]])
  return entries.flatMap(([requestId, packed, expiresAt], i) => {
    const record = decodeRecord(packed)
    const [head, body] = [texts[2 * i], texts[2 * i + 1]]
    const lease: Lease = {
      requestId,
      attempt: record.attempt,
      op,
      expiresAt: Number(expiresAt),
      organizationId: record.organization,
      resultTtlSeconds: record.resultTtlSeconds,
    }
    // Cancelled since, or evicted by a store that should not evict: its lease runs out by itself.
    if (head == null || body == null) return []
    const { retries, timeouts, startedAt } = record
    const decoded = decodeHead(head)
    const target = { provider: decoded.provider, model: decoded.model }
    const counts = { retries, timeouts, startedAt, hasAlternative: false }
    return [{ lease, head: decoded, body: decodeBody(body), target, ...counts }]
  })
}

function triples(flat: string[]): [string, string, string][] {
  const result: [string, string, string][] = []
  for (let i = 0; i + 2 < flat.length; i += 3) {
    result.push([flat[i] as string, flat[i + 1] as string, flat[i + 2] as string])
  }
  return result
}
