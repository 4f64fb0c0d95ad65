import * as z from "zod/mini"
import { wholeText } from "./parameters.ts"
import { whole } from "./whole.ts"

/** What OpenAI allows, too: an hour to 30 days. */
const [LEAST_SECONDS, MOST_SECONDS] = [3600, 2_592_000]
export const DEFAULT_FILE_SECONDS = MOST_SECONDS
const MAX_FILENAME = 255

const Filename = z.string().check(z.minLength(1), z.maxLength(MAX_FILENAME))
const Purpose = z.enum(["batch"])

export const ExpiresAfter = z.strictObject({
  anchor: z.enum(["created_at"]),
  seconds: whole(LEAST_SECONDS, MOST_SECONDS),
})

/** The form of `POST /v1/files`, without the file's bytes. */
export const FileForm = z.strictObject({
  file: Filename,
  purpose: Purpose,
  expires_after: z.exactOptional(ExpiresAfter),
})

/** The body of `POST /v1/uploads`. */
export function uploadBody(maxFileBytes: number) {
  return z.strictObject({
    bytes: whole(0, maxFileBytes),
    filename: Filename,
    mime_type: z.string().check(z.minLength(1), z.maxLength(MAX_FILENAME)),
    purpose: Purpose,
    expires_after: z.exactOptional(ExpiresAfter),
  })
}

export const MAX_UPLOAD_PARTS = 1000

/** The body of `POST /v1/uploads/{upload_id}/complete`. */
export const CompleteBody = z.strictObject({
  part_ids: z.array(z.string()).check(z.minLength(1), z.maxLength(MAX_UPLOAD_PARTS)),
  md5: z.exactOptional(
    z.string().check(z.regex(/^[0-9a-f]{32}$/i, { error: "must be an MD5 in hex, of 32 characters" })),
  ),
})

const MAX_LISTED = 10_000

/** `GET /v1/files`. */
export const FilesQuery = z.strictObject({
  limit: z._default(wholeText(1, MAX_LISTED), MAX_LISTED),
  after: z.exactOptional(z.string().check(z.maxLength(MAX_FILENAME))),
  order: z._default(z.enum(["asc", "desc"]), "desc"),
  purpose: z.exactOptional(z.string().check(z.maxLength(MAX_FILENAME))),
})
