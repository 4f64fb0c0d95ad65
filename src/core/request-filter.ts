import type { ErrorCode, RequestStatus } from "./outcome.ts"
import type { Priority, RequestState } from "./request.ts"

/** Which requests are meant: those that have all of this. Absent members hold for every request. */
export interface RequestFilter {
  state?: RequestState
  organizationId?: string
  /** As asked: `auto` with a route as model, else a provider. */
  provider?: string
  model?: string
  priority?: Priority
  /** Of its last attempt. */
  errorCode?: ErrorCode
  /** Then or later, epoch ms. */
  createdAfter?: number
  /** Earlier than that, epoch ms. */
  createdBefore?: number
}

/** What a filter looks at. */
export interface Filtered
  extends Pick<RequestStatus, "state" | "organizationId" | "provider" | "model" | "priority" | "createdAt"> {
  errorCode: ErrorCode | null
}

const EQUAL = ["state", "organizationId", "provider", "model", "priority", "errorCode"] as const

export function fits(filter: RequestFilter, request: Filtered): boolean {
  const { createdAfter = 0, createdBefore = Number.POSITIVE_INFINITY } = filter
  return (
    EQUAL.every((name) => filter[name] === undefined || filter[name] === request[name]) &&
    request.createdAt >= createdAfter &&
    request.createdAt < createdBefore
  )
}
