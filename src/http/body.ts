import { AppError } from "../core/errors.ts"
import { isDeeperThan, MAX_JSON_DEPTH } from "../core/is-deeper-than.ts"
import type { AppContext } from "./context.ts"

export interface JsonBody {
  value: unknown
  /** Of the body as it came. */
  bytes: number
}

/**
 * Reads a JSON body of at most `maxBytes`, and stops reading beyond, whatever Content-Length said.
 * Throws `unsupported_media_type`, `too_large` or `malformed_json`, in this order.
 */
export async function readJson(c: AppContext, maxBytes: number): Promise<JsonBody> {
  checkJsonType(c)
  return parseJson(await readBytes(c, maxBytes))
}

/** The same for a body that may be missing: then the value is `{}`. */
export async function readOptionalJson(c: AppContext, maxBytes: number): Promise<JsonBody> {
  if (isJson(c)) {
    const bytes = await readBytes(c, maxBytes)
    if (bytes.length === 0) return { value: {}, bytes: 0 }
    checkJsonType(c)
    return parseJson(bytes)
  }
  const bytes = await readBytes(c, 0).catch(() => null)
  if (bytes === null) checkJsonType(c)
  return { value: {}, bytes: 0 }
}

function isJson(c: AppContext): boolean {
  const type = c.req.header("Content-Type") ?? ""
  const charset = /charset *= *"?([^\s;"]*)/i.exec(type)?.[1] ?? "utf-8"
  return /^application\/json *(;|$)/i.test(type) && charset.toLowerCase() === "utf-8"
}

export function checkJsonType(c: AppContext): void {
  if (!isJson(c)) {
    throw new AppError("unsupported_media_type", "Send JSON in UTF-8 with Content-Type: application/json.")
  }
  if ((c.req.header("Content-Encoding") ?? "identity") !== "identity") {
    throw new AppError("unsupported_media_type", "Send the body uncompressed, without Content-Encoding.")
  }
}

async function readBytes(c: AppContext, maxBytes: number): Promise<Uint8Array> {
  const declared = Number(c.req.header("Content-Length") ?? Number.NaN)
  if (declared > maxBytes) throw tooLarge(maxBytes)
  // In one piece, which is faster; the server gives no more of it than was declared.
  if (declared <= maxBytes) {
    const bytes = new Uint8Array(await c.req.raw.arrayBuffer().catch(brokenOff))
    if (bytes.length > maxBytes) throw tooLarge(maxBytes)
    return bytes
  }
  const reader = c.req.raw.body?.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const chunk = (await reader?.read().catch(brokenOff))?.value
    if (chunk === undefined) break
    size += chunk.length
    if (size > maxBytes) {
      // Not awaited: a sender that does not stop must not hold up the answer.
      void reader?.cancel().catch(() => undefined)
      throw tooLarge(maxBytes)
    }
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

export function parseJson(bytes: Uint8Array): JsonBody {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch (error) {
    throw new AppError("malformed_json", explain(error))
  }
  if (isDeeperThan(MAX_JSON_DEPTH, value)) {
    throw new AppError("malformed_json", `The body is nested more than ${MAX_JSON_DEPTH} levels deep.`)
  }
  return { value, bytes: bytes.length }
}

/** The engine's own words quote the body, so only the position is taken from them. */
function explain(error: unknown): string {
  if (!(error instanceof SyntaxError)) return "The body is not valid UTF-8."
  if (/end of JSON input/i.test(error.message)) return "The body is not valid JSON: it ends too early."
  const position = /at position (\d+)/.exec(error.message)?.[1]
  return `The body is not valid JSON${position === undefined ? "" : `: see character ${position}`}.`
}

/** The caller went silent, or sent other than it had announced: nothing is wrong here. */
function brokenOff(): never {
  throw new AppError("malformed_json", "The body broke off before its end.")
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("too_large", `The body may have at most ${maxBytes} bytes.`)
}
