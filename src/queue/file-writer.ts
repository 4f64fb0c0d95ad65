import { invalid, problem } from "../core/contracts/problem.ts"
import { AppError } from "../core/errors.ts"
import { joinBytes } from "../core/join-bytes.ts"
import { cutChunk, isContinuation, MAX_CHUNK_BYTES, tailLength } from "./file-chunks.ts"
import type { FileWriter, Intake } from "./files-contract.ts"

/** Chunks that travel together: 4 MB are what a Worker can hold beside other uploads, and 25 round trips for 100 MB. */
export const WRITE_CHUNKS = 4

export interface WriterOptions {
  maxBytes: number
  /** Writes chunks, of which the first has that number. */
  put(number: number, chunks: string[]): Promise<void>
  /** Takes away that many chunks. */
  remove(chunks: number): Promise<void>
}

/** Bytes that come piece by piece become text, then chunks, then groups of chunks; each is passed on when it is full. */
export function createWriter({ maxBytes, put, remove }: WriterOptions): FileWriter {
  const lead: number[] = []
  let isBegun = false
  let tail = new Uint8Array()
  let text = ""
  let group: string[] = []
  let chunks = 0
  let bytes = 0

  async function flush(): Promise<void> {
    if (group.length === 0) return
    await put(chunks, group)
    chunks += group.length
    group = []
  }

  async function cut(isEnd: boolean): Promise<void> {
    // Each unit takes a byte at least: a shorter text does not fill a chunk.
    while (text.length >= MAX_CHUNK_BYTES || (isEnd && text !== "")) {
      const { chunk, rest } = cutChunk(text)
      group.push(chunk)
      text = rest
      if (group.length === WRITE_CHUNKS) await flush()
    }
  }

  /** Leaves out what ends a character that began before. */
  function takeLead(piece: Uint8Array): Uint8Array {
    let at = 0
    while (!isBegun && at < piece.length) {
      const byte = piece[at] ?? 0
      isBegun = !isContinuation(byte) || lead.length === 3
      if (!isBegun) lead.push(piece[at++] ?? 0)
    }
    return piece.subarray(at)
  }

  return {
    write: async (piece) => {
      bytes += piece.length
      if (bytes > maxBytes) throw new AppError("too_large", `The file may have at most ${maxBytes} bytes.`)
      const known = joinBytes(tail, takeLead(piece))
      const end = known.length - tailLength(known)
      text += decode(known.subarray(0, end))
      tail = known.slice(end)
      await cut(false)
    },
    finish: async (): Promise<Intake> => {
      await cut(true)
      await flush()
      return { chunks, bytes, lead, tail: [...tail] }
    },
    // The last group may have been written although its answer was lost.
    discard: () => remove(chunks + WRITE_CHUNKS),
  }
}

/** Throws `invalid_request` for what is not UTF-8. A byte order mark stays: the bytes come out as they came in. */
export function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw notText()
  }
}

export function notText(): AppError {
  return invalid("The file", [problem(["file"], "must be text in UTF-8, such as JSON Lines")])
}
