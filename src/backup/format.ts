import { AppError } from "../core/errors.ts"
import type { StateCounts, StoredPage, StoredRequest } from "../queue/copy/contract.ts"

export type { StateCounts }

// A dump is a file of lines, each one JSON: a header, what was stored, and a footer. The footer's digest is of all before it.

export const DUMP_FORMAT = 1

export interface DumpHeader {
  kind: "header"
  format: number
  queueName: string
  /** Epoch ms: what was accepted before is in the dump. */
  startedAt: number
  /** Nothing was in flight, and nothing started meanwhile. */
  isPaused: boolean
  /** Of the version that wrote it. */
  version: string
}

export interface DumpFooter {
  kind: "footer"
  finishedAt: number
  requests: number
  /** Lines of other keys. */
  pages: number
  /** As they were when each was read, by organization. */
  states: Record<string, StateCounts>
  /** Billed commands that it took to read. */
  commands: number
  /** SHA-256 of all lines before this one, each with its end; hex. */
  sha256: string
}

export type DumpLine = DumpHeader | DumpFooter | ({ kind: "live" | "ended" } & StoredRequest) | StoredPage

/** Throws `invalid_request` for what is no line of a dump, or of a newer one. */
export function readDumpLine(text: string, number: number): DumpLine {
  let line: DumpLine | null = null
  try {
    line = JSON.parse(text) as DumpLine
  } catch {
    // Told below.
  }
  const isKnown = line !== null && KINDS.has(line.kind)
  if (!isKnown || line === null) throw broken(`line ${number} is none of a backup`)
  if ((number === 1) !== (line.kind === "header")) throw broken(`line ${number} is out of place`)
  if (line.kind === "header" && line.format !== DUMP_FORMAT) {
    throw broken(`its format is ${line.format}, this version reads ${DUMP_FORMAT}`)
  }
  return line
}

const KINDS = new Set(["header", "footer", "live", "ended", "key"])

export function broken(what: string): AppError {
  return new AppError("invalid_request", `This is not a whole backup: ${what}.`)
}
