import { createHash } from "node:crypto"
import { once } from "node:events"
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync } from "node:fs"
import { PassThrough, type Transform } from "node:stream"
import { finished } from "node:stream/promises"
import { createGunzip, createGzip } from "node:zlib"
import type { DumpLine } from "../../backup/format.ts"
import type { DumpSource } from "../../backup/survey.ts"
import { UsageError } from "../exit.ts"

/** It holds prompts, answers, keys and secrets. */
const OWNER_ALONE = 0o600
const GZIP = /\.gz$/

export interface DumpSink {
  write(line: DumpLine): Promise<void>
  digest(): string
  /** Under its name now: whole, and on the disk. */
  finish(): Promise<void>
  /** Nothing remains. */
  discard(): void
}

/** A new file, zipped where its name ends in `.gz`. Until it is whole it is called `<path>.part`. */
export function createDump(path: string): DumpSink {
  if (existsSync(path)) throw new UsageError(`${path} is there already: a backup never replaces another.`)
  const part = `${path}.part`
  rmSync(part, { force: true })
  const file = createWriteStream(part, { mode: OWNER_ALONE, flags: "wx", flush: true })
  const head: Transform = GZIP.test(path) ? createGzip() : new PassThrough()
  head.pipe(file)
  const failed = new Promise<never>((_, reject) => {
    for (const stream of [head, file]) {
      stream.on("error", (error: Error) =>
        reject(new UsageError(`${part} cannot be written: ${error.message}`)),
      )
    }
  })
  failed.catch(() => undefined)
  const hash = createHash("sha256")
  return {
    async write(line) {
      const text = `${JSON.stringify(line)}\n`
      hash.update(text)
      if (!head.write(text)) await Promise.race([once(head, "drain"), failed])
    },
    digest: () => hash.copy().digest("hex"),
    async finish() {
      head.end()
      await Promise.race([finished(file), failed])
      renameSync(part, path)
    },
    discard() {
      head.destroy()
      file.destroy()
      rmSync(part, { force: true })
    },
  }
}

export function openDump(path: string): DumpSource {
  return {
    async *lines() {
      const hash = createHash("sha256")
      for await (const text of linesOf(path)) {
        yield { text, sha256: () => hash.copy().digest("hex") }
        hash.update(`${text}\n`)
      }
    },
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path)
  const bytes = GZIP.test(path) ? file.pipe(createGunzip()) : file
  file.on("error", (error) => bytes.destroy(error))
  const decoder = new TextDecoder()
  const parts: string[] = []
  try {
    for await (const chunk of bytes) {
      const [first = "", ...others] = decoder.decode(chunk as Uint8Array, { stream: true }).split("\n")
      parts.push(first)
      for (const text of others) {
        yield parts.splice(0).join("")
        parts.push(text)
      }
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // A file that was cut off: what is missing is told by its lines.
    if (code === "Z_BUF_ERROR") return
    throw new UsageError(`${path} cannot be read: ${message}`)
  } finally {
    file.destroy()
  }
  const rest = parts.join("")
  if (rest !== "") yield rest
}
