import { AppError } from "../core/errors.ts"
import type { RequestStatus } from "../core/outcome.ts"

/** Nothing is known here of a lease for this request, so there is no attempt to settle or to extend. */
export class NotLeasedError extends AppError {
  override readonly name = "NotLeasedError"
  readonly requestId: string

  constructor(requestId: string) {
    const wayOut = "dequeue it first, or name the attempt that another process dequeued: { attempt: 1 }"
    super("conflict", `No lease of ${requestId} is held here, or it was settled or ran out: ${wayOut}.`)
    this.requestId = requestId
  }
}

/** The request had not ended when the time was up. It goes on: wait again, or cancel it. */
export class WaitTimeoutError extends Error {
  override readonly name = "WaitTimeoutError"
  readonly requestId: string
  /** As last seen; null when the store never answered, and then `cause` says why. */
  readonly status: RequestStatus | null

  constructor(requestId: string, timeoutMs: number, status: RequestStatus | null, cause: unknown) {
    const was = status === null ? "the store did not answer" : `it is ${status.state}`
    super(
      `${requestId} did not end within ${timeoutMs} ms: ${was}.`,
      cause === undefined ? undefined : { cause },
    )
    this.requestId = requestId
    this.status = status
  }
}

export function unknownRequest(): AppError {
  return new AppError("not_found", "No such request is known, or its time to live is over.")
}
