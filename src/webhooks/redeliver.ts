import { type Delivery, readDeliveryId } from "../core/delivery.ts"
import { sha256Hex } from "../core/digest.ts"
import { shown } from "../queue/deliveries.ts"
import { PATIENCE_MS } from "./backoff.ts"
import { choreOf, composeDelivery, type DeliverDeps } from "./deliver.ts"

interface RedeliverDeps extends Pick<DeliverDeps, "deliveries" | "queue" | "clock"> {
  chores: { put(name: string, at: number): Promise<void> }
}

export type RedeliverReply =
  | { kind: "accepted"; delivery: Delivery }
  /** What was to be told is no longer kept. */
  | { kind: "ended" }
  | { kind: "unknown" }

/**
 * Tells it anew, under the same id and for another day, also when it was told before. A receiver that had said that it is
 * gone may be called again. `organizationId` null: any. Four round trips, five where the body is made anew.
 */
export async function redeliver(
  deps: RedeliverDeps,
  deliveryId: string,
  organizationId: string | null,
): Promise<RedeliverReply> {
  const topic = readDeliveryId(deliveryId)
  if (topic === null) return { kind: "unknown" }
  const known = await deps.deliveries.read(deliveryId)
  const { delivery } = known
  if (delivery === null || (organizationId ?? delivery.organizationId) !== delivery.organizationId) {
    return { kind: "unknown" }
  }
  const body = known.body ?? (await composeDelivery(deps, topic))?.body ?? null
  if (body === null) return { kind: "ended" }
  const now = deps.clock()
  const again = { state: "pending", nextAttemptAt: now, tries: 0, until: now + PATIENCE_MS } as const
  await deps.deliveries.unblock(delivery.organizationId, await sha256Hex(body.url))
  await deps.deliveries.write({ ...delivery, ...again }, known.body === null ? body : "as it is")
  await deps.chores.put(`delivery|${choreOf(topic)}`, now)
  return { kind: "accepted", delivery: shown({ ...delivery, ...again }) }
}
