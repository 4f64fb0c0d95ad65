import { AppError } from "../../core/errors.ts"
import type { RequestStatus } from "../../core/outcome.ts"
import { explainEnd, type VendorError } from "../../dialects/openai-errors.ts"
import type { AppContext } from "../context.ts"
import { writeEvent } from "../events.ts"

/** What answers without an answer: a request that failed, was cancelled, or takes longer than anyone waits. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer"
  readonly end: VendorError

  constructor(end: VendorError) {
    super(end.body.error.message)
    this.end = end
  }
}

export function noAnswer(request: Pick<RequestStatus, "requestId" | "state" | "error">): NoAnswer {
  return new NoAnswer(explainEnd(request))
}

/** As the HTTP error that it is. The queue has tried again as often as makes sense: their SDK shall not. */
export function answerEnd(c: AppContext, { end }: NoAnswer): Response {
  c.header("X-Should-Retry", "false")
  return c.json(end.body, end.status)
}

/** The same in the middle of a stream. What nobody threw on purpose is told without its text. */
export function writeEnd(thrown: unknown): string {
  if (thrown instanceof NoAnswer) return writeEvent(thrown.end.body)
  const { message, code } =
    thrown instanceof AppError ? thrown : new AppError("internal", "Something went wrong here.")
  return writeEvent({ error: { message, type: "server_error", param: null, code } })
}
