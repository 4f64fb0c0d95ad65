import { tenantOf } from "../auth/principal.ts"
import { AppError } from "../core/errors.ts"
import { isRequestId } from "../core/ids.ts"
import type { StatusOptions, StatusReply } from "../queue/contract.ts"
import type { AppContext } from "./context.ts"
import { servicesOf } from "./resource.ts"

/** Throws `not_found` when it is unknown, past its TTL, or another organization's. One round trip, or none. */
export async function readStatus(
  c: AppContext,
  requestId: string | undefined,
  options: StatusOptions = {},
): Promise<StatusReply> {
  const status = await servicesOf(c).queue.status(
    knownShape(requestId),
    tenantOf(c.get("principal")),
    options,
  )
  if (status === null) throw unknownRequest()
  return status
}

/** What cannot be an id needs no round trip. */
export function knownShape(requestId: string | undefined): string {
  if (requestId === undefined || !isRequestId(requestId)) throw unknownRequest()
  return requestId
}

export function unknownRequest(): AppError {
  return new AppError("not_found", "No such request is known, or its time to live is over.")
}
