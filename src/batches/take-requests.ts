import { MAX_MESSAGE_BATCH_BYTES } from "../core/contracts/batches.ts"
import { AppError, type FieldProblem } from "../core/errors.ts"
import type { FileCursor } from "../queue/files-contract.ts"
import { anthropicLines } from "./anthropic-lines.ts"
import type { BatchDeps } from "./deps.ts"
import { maxLineLength, readEnvelope } from "./read-line.ts"
import { FILE_START } from "./read-lines.ts"
import { RequestSplitter } from "./split-requests.ts"

const MAX_REQUESTS = 100_000
/** Characters of lines that are written together: about four chunks, and 34 round trips for 100 MB. */
const WRITE_LENGTH = 3_000_000
/** A write whose answer was lost may have written them. */
const MORE_CHUNKS = 8
const MAX_PROBLEMS = 100

/** The requests of a message batch, as they were taken in. */
export interface TakenRequests {
  written: FileCursor
  count: number
}

/**
 * Writes the requests of a body to a file as they come, each on its line; holds about three megabytes of them. Throws
 * `too_large`, `malformed_json`, or `invalid_request` with all that is wrong with their custom ids, and takes away what
 * was written until then. Unfinished chunks end at `until`, epoch ms.
 */
export async function takeRequests(
  deps: BatchDeps,
  body: ReadableStream<Uint8Array>,
  fileId: string,
  until: number,
): Promise<TakenRequests> {
  const intake = new Intake(maxLineLength(deps))
  let written: FileCursor = { chunks: 0, bytes: 0 }
  const write = async () => {
    if (intake.text === "") return
    written = await deps.files.append(fileId, written, intake.text, until)
    intake.text = ""
  }
  const reader = body.getReader()
  try {
    for (;;) {
      const { value } = await reader.read()
      if (value === undefined) break
      intake.push(value)
      if (intake.text.length >= WRITE_LENGTH) await write()
    }
    intake.end()
    await write()
  } catch (error) {
    // Not awaited: a sender that does not stop must not hold up the answer.
    void reader.cancel().catch(() => undefined)
    const left = [{ id: fileId, from: 0, chunks: written.chunks + MORE_CHUNKS }]
    await deps.files.remove(left).catch(() => undefined)
    if (error instanceof AppError) throw error
    throw new AppError("malformed_json", "The body broke off before its end, or is not valid UTF-8.")
  }
  return { written, count: intake.count }
}

class Intake {
  /** Lines that have yet to be written. */
  text = ""
  private bytes = 0
  private readonly decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false })
  private readonly splitter: RequestSplitter
  private readonly customIds = new Map<string, number>()
  private readonly problems: FieldProblem[] = []

  constructor(maxLength: number) {
    this.splitter = new RequestSplitter(maxLength)
  }

  get count(): number {
    return this.splitter.count
  }

  push(bytes: Uint8Array): void {
    this.bytes += bytes.length
    if (this.bytes > MAX_MESSAGE_BATCH_BYTES)
      throw new AppError("too_large", `A batch may have at most ${MAX_MESSAGE_BATCH_BYTES} bytes.`)
    this.take(this.decoder.decode(bytes, { stream: true }))
  }

  end(): void {
    this.take(this.decoder.decode())
    this.splitter.end()
    if (this.problems.length > 0) throw this.refusal()
  }

  private take(text: string): void {
    let index = this.count
    for (const request of this.splitter.push(text)) {
      this.check(request, index)
      this.text += `${request}\n`
      index += 1
    }
    if (index > MAX_REQUESTS) {
      throw new AppError("invalid_request", `A batch may have at most ${MAX_REQUESTS} requests.`, {
        errors: [{ path: "/requests", message: `must have at most ${MAX_REQUESTS} entries` }],
      })
    }
    if (this.problems.length >= MAX_PROBLEMS) throw this.refusal()
  }

  private check(text: string, index: number): void {
    const line = { text, index, number: index + 1, next: FILE_START }
    const { customId, problems } = readEnvelope(line, anthropicLines)
    const note = (member: string | null, message: string) =>
      this.problems.push({ path: `/requests/${index}${member === null ? "" : `/${member}`}`, message })
    for (const { param, message } of problems) note(param, message)
    if (customId === null) return
    const earlier = this.customIds.get(customId)
    if (earlier === undefined) this.customIds.set(customId, index)
    else note("custom_id", `must be unique: requests.${earlier} has the same`)
  }

  private refusal(): AppError {
    const [first] = this.problems
    const detail =
      this.problems.length === 1 && first !== undefined
        ? `The body has a problem: ${first.path} ${first.message}.`
        : `The body has ${this.problems.length} problems: see errors.`
    return new AppError("invalid_request", detail, { errors: this.problems })
  }
}
