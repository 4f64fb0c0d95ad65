import { AppError } from "../../core/errors.ts"
import type { AppContext } from "../context.ts"
import { MAX_SMALL_BYTES } from "../sizes.ts"
import { ByteScanner } from "./byte-scanner.ts"

/** What a form holds, in its order. The bytes that follow a file are the file's. */
export type FormEvent =
  | { kind: "field"; name: string; value: string }
  | { kind: "file"; name: string; filename: string }
  | { kind: "bytes"; bytes: Uint8Array }

const BOUNDARY = /^multipart\/form-data *;(?:.*;)? *boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i
const MAX_HEADERS_BYTES = 8192
const MAX_PARTS = 20
const encode = (text: string) => new TextEncoder().encode(text)
const [LINE, HEADERS_END, CLOSING] = [encode("\r\n"), encode("\r\n\r\n"), encode("--")]

/** The boundary of a form. Throws `unsupported_media_type` for another body. */
export function readBoundary(c: AppContext): string {
  const [, quoted, plain] = BOUNDARY.exec(c.req.header("Content-Type") ?? "") ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined || (c.req.header("Content-Encoding") ?? "identity") !== "identity") {
    const message = "Send a form, uncompressed, with Content-Type: multipart/form-data and its boundary."
    throw new AppError("unsupported_media_type", message)
  }
  return boundary
}

/**
 * Reads `multipart/form-data` (RFC 7578) as it comes. Nothing is read ahead: whoever takes events slowly slows the
 * sender down. Throws what `readBoundary` throws, and `invalid_request` for a form that is malformed.
 */
export async function* readForm(c: AppContext): AsyncGenerator<FormEvent, void> {
  const boundary = readBoundary(c)
  // Each part, but perhaps the first, begins on a new line.
  const scanner = new ByteScanner(c.req.raw.body, LINE)
  const mark = encode(`\r\n--${boundary}`)
  try {
    for await (const _preamble of scanner.until(mark));
    for (let parts = 0; !(await scanner.comes(CLOSING)); parts++) {
      if (parts === MAX_PARTS) throw new AppError("invalid_request", `A form may have ${MAX_PARTS} parts.`)
      const headers = await scanner.take(HEADERS_END, MAX_HEADERS_BYTES, "The headers of a form's part")
      const { name, filename } = readDisposition(new TextDecoder().decode(headers))
      if (filename === null) {
        const value = await scanner.take(mark, MAX_SMALL_BYTES, `The form's field ${name}`)
        yield { kind: "field", name, value: new TextDecoder().decode(value) }
      } else {
        yield { kind: "file", name, filename }
        for await (const bytes of scanner.until(mark)) yield { kind: "bytes", bytes }
      }
    }
  } finally {
    scanner.cancel()
  }
}

const DISPOSITION = /^content-disposition *: *form-data *(;.*)$/im
const parameter = (name: string) => new RegExp(`; *${name} *= *(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, "i")
const [NAME, FILENAME] = [parameter("name"), parameter("filename")]
const ENCODED_FILENAME = /; *filename\* *= *utf-8'[^']*'([^\s;]+)/i
/** As browsers write what would end a quoted text. */
const ESCAPES: Record<string, string> = { "%22": '"', "%0D": "\r", "%0A": "\n" }

/** `filename` is null for what is a field. */
function readDisposition(headers: string): { name: string; filename: string | null } {
  const parameters = DISPOSITION.exec(headers)?.[1] ?? ""
  const name = read(NAME, parameters)
  if (name === null) throw new AppError("invalid_request", "Each part of a form needs a name.")
  return { name, filename: readEncoded(parameters) ?? read(FILENAME, parameters) }
}

function read(pattern: RegExp, parameters: string): string | null {
  const [, quoted, plain] = pattern.exec(parameters) ?? []
  if (quoted === undefined) return plain ?? null
  return quoted
    .replace(/\\(["\\])/g, "$1")
    .replace(/%(?:22|0D|0A)/gi, (code) => ESCAPES[code.toUpperCase()] ?? code)
}

/** RFC 5987: some clients send both forms, and this one has every character. */
function readEncoded(parameters: string): string | null {
  try {
    return decodeURIComponent(ENCODED_FILENAME.exec(parameters)?.[1] ?? "") || null
  } catch {
    return null
  }
}
