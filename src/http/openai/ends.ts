import { AppError } from "../../core/errors.ts"
import { writeEvent } from "../events.ts"

/** What ends a stream in its middle. */
export function writeEnd(body: object | AppError): string {
  if (!(body instanceof AppError)) return writeEvent(body)
  const { message, code } = body
  return writeEvent({ error: { message, type: "server_error", param: null, code } })
}
