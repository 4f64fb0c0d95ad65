import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { UsageError } from "../exit.ts"

/** What a restore remembers beside its file. Never what is in the file. */
export interface RestoreProgress {
  version: 1
  /** Of the dump. */
  sha256: string
  url: string
  queueName: string
  /** What had ended then is left out, also when the restore goes on later. */
  asOf: number
  /** Lines that are stored. */
  done: number
}

function restoreProgressPath(file: string): string {
  return `${file}.restore.json`
}

/** null: there is none. What cannot be read is none either: everything may be stored twice. */
export function readRestoreProgress(file: string): RestoreProgress | null {
  try {
    const progress = JSON.parse(readFileSync(restoreProgressPath(file), "utf8")) as RestoreProgress
    return progress.version === 1 ? progress : null
  } catch {
    return null
  }
}

/** Whole or not at all. */
export function writeRestoreProgress(file: string, progress: RestoreProgress): void {
  const path = restoreProgressPath(file)
  try {
    writeFileSync(`${path}.new`, `${JSON.stringify(progress, null, 2)}\n`)
    renameSync(`${path}.new`, path)
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${(error as Error).message}`)
  }
}
