import { lineKeys, type QueueContext, runWithLines } from "./context.ts"
import type { Lease } from "./contract.ts"
import { decodeRecord } from "./record.ts"

/** False when the lease is no longer held. */
export async function extendLease(context: QueueContext, lease: Lease, expiresAt: number): Promise<boolean> {
  const { keys } = context
  const [extended] = await runWithLines<[number]>(context, "extend", () => [
    {
      name: "extend",
      keys: [keys.meta, keys.live, keys.scheduled, keys.deadlines, ...lineKeys(context)],
      args: [context.clock(), context.lines.join(" "), lease.requestId, lease.attempt, lease.op, expiresAt],
    },
  ])
  return extended === 1
}

/** Which of these are no longer held: cancelled, settled or taken over. One command. */
export async function lostLeases(context: QueueContext, leases: Lease[]): Promise<Lease[]> {
  if (leases.length === 0) return []
  const [packed] = await context.store.query<[(string | null)[]]>("leases", [
    ["HMGET", context.keys.live, ...leases.map(({ requestId }) => requestId)],
  ])
  return leases.filter(({ attempt, op }, i) => {
    const text = packed[i]
    if (text == null) return true
    const record = decodeRecord(text)
    return record.owner === "" || record.attempt !== attempt || record.op !== op
  })
}
