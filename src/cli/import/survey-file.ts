import { createHash, type Hash } from "node:crypto"
import { UsageError } from "../exit.ts"
import { type Mark, type Progress, progressPath, START } from "./progress-file.ts"
import { readLines } from "./read-lines.ts"

/** What is found in a file before anything of it is sent. */
export interface Survey {
  /** Lines that hold a request. */
  requests: number
}

/** Digest of all lines so far, whatever their ends. */
export class LinesHash {
  readonly #hash: Hash = createHash("sha256")

  add(text: string): void {
    this.#hash.update(text).update("\n")
  }

  get sha256(): string {
    return this.#hash.copy().digest("hex")
  }
}

/**
 * Reads the whole file. Throws a `UsageError` for a line that is no JSON object, and when lines have changed that
 * were enqueued already or may have been.
 */
export async function surveyFile(file: string, progress: Progress | null): Promise<Survey> {
  const marks = [progress?.done ?? START, progress?.sending ?? START].filter(({ lines }) => lines > 0)
  const hash = new LinesHash()
  let requests = 0
  let count = 0
  try {
    for await (const { number, text } of readLines(file)) {
      count = number
      hash.add(text)
      if (text.trim() !== "") {
        requests += 1
        if (!isObject(text))
          throw new UsageError(
            `${file}, line ${number}: this is no JSON object. Put it right and run this again.`,
          )
      }
      if (marks.some(({ lines, sha256 }) => lines === number && sha256 !== hash.sha256))
        throw changed(file, number)
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`)
  }
  for (const { lines } of marks) if (lines > count) throw changed(file, lines)
  return { requests }
}

function changed(file: string, lines: Mark["lines"]): UsageError {
  return new UsageError(
    `${file} has changed within its first ${lines} lines, which are enqueued already or may be. ` +
      `Put them back, or move ${progressPath(file)} away to import the file from its start.`,
  )
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
