import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { UsageError } from "../exit.ts"

/** How far into the file: lines, the requests in them (an empty line holds none), and the digest of them all. */
export interface Mark {
  lines: number
  requests: number
  /** SHA-256, hex. */
  sha256: string
}

/** What an import remembers beside its file, as JSON. Never a prompt or a key. */
export interface Progress {
  version: 1
  /** What makes a second import of the same file another one. */
  run: string
  /** Everything that changes what is stored, beside the file: where to, and the defaults of its lines. */
  settings: Record<string, unknown>
  done: Mark
  /** What was on its way when this was written, epoch ms since when: it may have been stored. */
  sending: (Mark & { at: number }) | null
  isComplete: boolean
}

export const START: Mark = { lines: 0, requests: 0, sha256: "" }

export function progressPath(file: string): string {
  return `${file}.progress.json`
}

/** null: there is none. */
export function readProgress(file: string): Progress | null {
  const path = progressPath(file)
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`)
  }
  try {
    const progress = JSON.parse(text) as Progress
    if (progress.version === 1) return progress
  } catch {
    // It was not written by this.
  }
  throw new UsageError(
    `${path} is not the progress of an import that this version knows. Move it away to start anew.`,
  )
}

/** Whole or not at all, also when the machine goes down. */
export function writeProgress(file: string, progress: Progress): void {
  const path = progressPath(file)
  try {
    writeFileSync(`${path}.new`, `${JSON.stringify(progress, null, 2)}\n`, { flush: true })
    renameSync(`${path}.new`, path)
  } catch (error) {
    throw new UsageError(
      `${path} cannot be written, so nothing more is enqueued: ${(error as Error).message}`,
    )
  }
}
