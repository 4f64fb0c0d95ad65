import { drainArgs, lineKeys, type QueueContext, runWithLines } from "./context.ts"
import type { Claim, ClaimedRequest, ClaimOptions, DrainCounts, Lease, Overdue } from "./contract.ts"
import { decodeBody, readHead } from "./frames.ts"
import { decodeRecord } from "./record.ts"
import { hasAlternative, targetOf, timeoutsOn } from "./targets.ts"

/** Beyond the longer of MAX_PROCESSING_TIME_MS and the timeout: 20 s to wait for a slot, 10 s of clock skew, 5 s to settle. */
const LEASE_MARGIN_MS = 35_000
const OVERDUE_LEASE_MS = 30_000
const NEVER = 99_999_999_999_999

/** What `lua/include/claiming.lua` returns. */
export type ClaimReply = [string, number, number, string[], string[], number, number]

const NOTHING_DONE: DrainCounts = { completed: 0, failed: 0, retried: 0, errors: 0, lastError: null }

/** The arguments of `lua/include/claiming.lua`. */
export function claimArgs(
  { settings }: QueueContext,
  options: ClaimOptions,
  op: string,
): (string | number)[] {
  const { completed, failed, retried, errors, lastError } = options.done ?? NOTHING_DONE
  return [
    ...[options.owner, op, options.limit, options.soon ?? options.limit, options.maxBytes],
    ...[settings.maxProcessingTimeMs, LEASE_MARGIN_MS, options.maxTimeoutMs],
    [completed, failed, retried, errors, lastError ?? "-"].join(" "),
  ]
}

export async function claim(context: QueueContext, options: ClaimOptions): Promise<Claim> {
  const op = options.op ?? context.nextOp()
  const { keys } = context
  const [[, reply]] = await runWithLines<[["claimed", ClaimReply]]>(context, "claim", () => [
    {
      name: "claim",
      keys: [keys.meta, keys.live, keys.scheduled, keys.deadlines, ...lineKeys(context)],
      args: [...drainArgs(context), ...claimArgs(context, options, op)],
    },
  ])
  return readClaim(context, reply, op)
}

/** Fetches bodies and metadata of what was claimed: one more round trip, none when nothing was. */
export async function readClaim(context: QueueContext, reply: ClaimReply, op: string): Promise<Claim> {
  const now = context.clock()
  const [wakeAt, remaining, maintenanceDue, claimed, overdue, choresDue, rollDue] = reply
  return {
    requests: await readRequests(context, claimed, op),
    overdue: inGroups(overdue, 5).map(
      ([requestId = "", attempt, reason = "", organizationId = "", trace = ""]): Overdue => ({
        lease: {
          ...{ requestId, attempt: Number(attempt), op: reason, organizationId, trace },
          ...{ expiresAt: now + OVERDUE_LEASE_MS, resultTtlSeconds: 0 },
        },
        reason: reason as Overdue["reason"],
      }),
    ),
    wakeAt: Number(wakeAt) === NEVER ? null : Number(wakeAt),
    remaining,
    maintenanceDue: maintenanceDue === 1,
    choresDue: choresDue === 1,
    rollDue: rollDue === 1,
  }
}

async function readRequests(context: QueueContext, claimed: string[], op: string): Promise<ClaimedRequest[]> {
  if (claimed.length === 0) return []
  const { keys, settings } = context
  const entries = inGroups(claimed, 3).map(([requestId = "", packed = "", expiresAt]) => {
    return { requestId, record: decodeRecord(packed), expiresAt }
  })
  const withMetadata = entries.filter(({ record }) => record.metadata === 1)
  const names = [
    ...entries.map(({ requestId }) => keys.body(requestId)),
    ...withMetadata.map(({ requestId }) => keys.metadata(requestId)),
  ]
  const [texts] = await context.store.query<[(string | null)[]]>("claim", [["MGET", ...names]])
  const metadata = new Map(withMetadata.map(({ requestId }, i) => [requestId, texts[entries.length + i]]))
  return entries.flatMap(({ requestId, record, expiresAt }, i) => {
    const bodyText = texts[i]
    // Cancelled since, or evicted by a store that should not evict: its lease runs out by itself.
    if (bodyText == null) return []
    const head = readHead(requestId, record, metadata.get(requestId))
    const { attempt, organization, resultTtlSeconds, retries, startedAt, trace } = record
    const lease: Lease = {
      ...{ requestId, attempt, op, expiresAt: Number(expiresAt) },
      ...{ organizationId: organization, resultTtlSeconds, trace },
    }
    return [
      {
        ...{ lease, head, body: decodeBody(bodyText), retries, startedAt },
        target: targetOf(record, record.target),
        hasAlternative: hasAlternative(record, settings.providers),
        timeouts: timeoutsOn(record, record.target),
        watchedUntil: record.watchedUntil,
        dueAt: record.dueAgainAt || record.dueAt,
      },
    ]
  })
}

function inGroups(flat: string[], size: number): string[][] {
  return Array.from({ length: Math.floor(flat.length / size) }, (_, i) =>
    flat.slice(i * size, (i + 1) * size),
  )
}
