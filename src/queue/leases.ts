import { lineKeys, type QueueContext, runWithLines } from "./context.ts"
import type { Lease, LeaseLook } from "./contract.ts"
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

/** How these leases stand. One command. */
export async function lookAtLeases(context: QueueContext, leases: Lease[]): Promise<LeaseLook> {
  const look: LeaseLook = { lost: [], watchedUntil: new Map() }
  if (leases.length === 0) return look
  const [packed] = await context.store.query<[(string | null)[]]>("leases", [
    ["HMGET", context.keys.live, ...leases.map(({ requestId }) => requestId)],
  ])
  for (const [i, lease] of leases.entries()) {
    const record = packed[i] == null ? null : decodeRecord(packed[i])
    const isHeld = record !== null && record.attempt === lease.attempt && record.op === lease.op
    if (isHeld && record.owner !== "") look.watchedUntil.set(lease.requestId, record.watchedUntil)
    else look.lost.push(lease)
  }
  return look
}
