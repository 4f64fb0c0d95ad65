import { tenantOf } from "../auth/principal.ts"
import { type RequestState, STATES } from "../core/request.ts"
import type { RequestQueue } from "../queue/contract.ts"
import type { QueueStats } from "../queue/figures-contract.ts"
import type { App, AppContext } from "./context.ts"
import { resource, servicesOf } from "./resource.ts"

/** A tenant's figures come from its own newest requests: global ones would tell of others. */
const MAX_SCANNED = 1000
const PAGE = 100

export interface TenantStats {
  counts: Record<RequestState, number>
  /** There are older requests that were not counted. */
  partial: boolean
}

export function mountStats(app: App): void {
  resource(app, "/v1/stats", { GET: { scope: "read", handle: async (c) => c.json(await readStats(c)) } })
}

export async function readStats(c: AppContext): Promise<QueueStats | TenantStats> {
  const { queue } = servicesOf(c)
  const organizationId = tenantOf(c.get("principal"))
  return organizationId === null ? queue.stats() : countRequests(queue, organizationId)
}

/** At most ten pages of two or three round trips. */
async function countRequests(queue: RequestQueue, organizationId: string): Promise<TenantStats> {
  const counts = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<RequestState, number>
  let cursor: string | null = null
  for (let scanned = 0; scanned < MAX_SCANNED; scanned += PAGE) {
    const page = await queue.list({ state: null, organizationId, limit: PAGE, cursor })
    for (const { state } of page.data) counts[state] += 1
    cursor = page.nextCursor
    if (cursor === null) return { counts, partial: false }
  }
  return { counts, partial: true }
}
