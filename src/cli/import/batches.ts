import { createHash } from "node:crypto"
import type { NewRequest } from "../../client/client.ts"
import type { Mark } from "./progress-file.ts"
import { readLines } from "./read-lines.ts"
import { LinesHash } from "./survey-file.ts"

/** Lines that are sent in one call. */
export interface Batch {
  requests: NewRequest[]
  /** The line of each request. */
  numbers: number[]
  /** Its end. */
  mark: Mark
  /** The same lines of the same import always get the same. */
  idempotencyKey: string
}

export interface BatchOptions {
  run: string
  /** Members of each line that has none of its own. */
  defaults: Partial<NewRequest>
  /** What is left out. */
  from: Mark
  /** The first batch ends exactly here, when it was on its way before; null: where it would. */
  firstEnd: number | null
}

const MAX_LINES = 500
/** A call may have 3.5 MB; the rest is for what the defaults add. */
const MAX_BYTES = 3_000_000

export async function* readBatches(file: string, options: BatchOptions): AsyncGenerator<Batch, void, void> {
  const { run, defaults, from, firstEnd } = options
  const hash = new LinesHash()
  let start = from.lines
  let end = from.lines
  let before = from.requests
  let requests: NewRequest[] = []
  let numbers: number[] = []
  let bytes = 0
  const take = (): Batch => {
    const mark = { lines: end, requests: before + requests.length, sha256: hash.sha256 }
    const idempotencyKey = keyOf(`${run}\n${start}-${end}\n${mark.sha256}`)
    const batch = { requests, numbers, mark, idempotencyKey }
    start = end
    before = mark.requests
    requests = []
    numbers = []
    bytes = 0
    return batch
  }
  for await (const { number, text } of readLines(file)) {
    if (number > from.lines) {
      const isFull = start === from.lines && firstEnd !== null ? end === firstEnd : end - start === MAX_LINES
      const size = Buffer.byteLength(text)
      if (end > start && (isFull || (bytes > 0 && bytes + size > MAX_BYTES))) yield take()
      if (text.trim() !== "") {
        requests.push({ ...defaults, ...(JSON.parse(text) as NewRequest) })
        numbers.push(number)
        bytes += size
      }
      end = number
    }
    hash.add(text)
  }
  if (end > start) yield take()
}

function keyOf(text: string): string {
  return `import-${createHash("sha256").update(text).digest("hex")}`
}
