import * as z from "zod/mini"
import { ExpiresAfter } from "./files.ts"
import { Metadata } from "./new-request.ts"
import { wholeText } from "./parameters.ts"

/** Of the body of a message batch. */
export const MAX_MESSAGE_BATCH_BYTES = 268_435_456
const MAX_ID = 255
const Id = z.string().check(z.minLength(1), z.maxLength(MAX_ID))
const DEFAULT_PAGE = 20

/** The body of OpenAI's `POST /v1/batches`. */
export function batchBody(endpoints: string[]) {
  return z.strictObject({
    input_file_id: Id,
    endpoint: z.enum(endpoints),
    completion_window: z.enum(["24h"]),
    metadata: z.exactOptional(z.nullable(Metadata)),
    output_expires_after: z.exactOptional(z.nullable(ExpiresAfter)),
  })
}

/** `GET /v1/batches`. */
export const BatchesQuery = z.strictObject({
  limit: z._default(wholeText(1, 100), DEFAULT_PAGE),
  after: z.exactOptional(Id),
})

/** `GET /v1/messages/batches`. */
export const MessageBatchesQuery = z.strictObject({
  limit: z._default(wholeText(1, 1000), DEFAULT_PAGE),
  before_id: z.exactOptional(Id),
  after_id: z.exactOptional(Id),
})
