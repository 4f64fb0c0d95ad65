import type { FieldProblem } from "../core/errors.ts"
import type { NewRequest } from "./types.ts"

/** What one call takes. */
const MAX_BULK = 1000
/**
 * The API takes 8 MiB, but the store's command, in which each quote doubles, may be no longer than that either: so
 * this much fits whatever it holds.
 */
const MAX_BULK_BYTES = 3_500_000

const encoder = new TextEncoder()

/** Requests that go into one call. */
export interface Part {
  /** How many there are before it. */
  offset: number
  /** The requests as JSON. */
  entries: string[]
}

/** The same list always gives the same parts, so that their idempotency keys hold when it is sent again. */
export function* splitBulk(requests: readonly NewRequest[]): Generator<Part> {
  let part: Part = { offset: 0, entries: [] }
  let bytes = 0
  for (const [i, request] of requests.entries()) {
    const entry = JSON.stringify(request)
    const size = encoder.encode(entry).length
    if (part.entries.length === MAX_BULK || (bytes > 0 && bytes + size > MAX_BULK_BYTES)) {
      yield part
      part = { offset: i, entries: [] }
      bytes = 0
    }
    part.entries.push(entry)
    bytes += size
  }
  if (part.entries.length > 0) yield part
}

/** Problems of a part, with paths into the whole list. */
export function shiftPaths(errors: FieldProblem[], offset: number): FieldProblem[] {
  return errors.map(({ path, message }) => ({
    path: path.replace(/^\/requests\/(\d+)/, (_, i: string) => `/requests/${Number(i) + offset}`),
    message,
  }))
}
