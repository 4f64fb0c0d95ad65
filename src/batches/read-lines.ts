import type { LineCursor } from "../queue/batches-contract.ts"

/** One line of an input file that is not empty. */
export interface Line {
  /** null: it is longer than any may be. */
  text: string | null
  /** Among the lines that are not empty, from 0: its request's number. */
  index: number
  /** Among all lines, from 1: as people count. */
  number: number
  /** Where the line after it begins. */
  next: LineCursor
}

export const FILE_START: LineCursor = { chunk: 0, offset: 0, requests: 0, lines: 0 }

const BYTE_ORDER_MARK = /^\uFEFF/

/**
 * The lines of a text that comes in chunks, from `from` on; `chunks` begin with the one that `from` names. Holds a chunk
 * and a line of at most `maxLength` characters.
 */
export async function* readLines(
  chunks: AsyncIterable<string>,
  from: LineCursor,
  maxLength: number,
): AsyncGenerator<Line, void> {
  let { chunk, requests, lines } = from
  let begun = ""
  let isTooLong = false

  function end(rest: string, offset: number): Line | null {
    const whole = begun + rest
    const text = isTooLong || whole.length > maxLength ? null : whole.replace(BYTE_ORDER_MARK, "")
    begun = ""
    isTooLong = false
    lines += 1
    if (text?.trim() === "") return null
    requests += 1
    return { text, index: requests - 1, number: lines, next: { chunk, offset, requests, lines } }
  }

  let at = from.offset
  for await (const text of chunks) {
    for (let newline = text.indexOf("\n", at); newline !== -1; newline = text.indexOf("\n", at)) {
      const line = end(text.slice(at, newline), newline + 1)
      at = newline + 1
      if (line !== null) yield line
    }
    begun += text.slice(at)
    if (begun.length > maxLength) {
      begun = ""
      isTooLong = true
    }
    chunk += 1
    at = 0
  }
  const last = begun !== "" || isTooLong ? end("", 0) : null
  if (last !== null) yield last
}

/** Lines in groups: a group ends before it has more than `maxLines` or `maxLength` characters. */
export async function* groupLines(
  lines: AsyncIterable<Line>,
  maxLines: number,
  maxLength: number,
): AsyncGenerator<Line[], void> {
  let group: Line[] = []
  let length = 0
  for await (const line of lines) {
    const more = line.text?.length ?? 0
    if (group.length === maxLines || (group.length > 0 && length + more > maxLength)) {
      yield group
      group = []
      length = 0
    }
    group.push(line)
    length += more
  }
  if (group.length > 0) yield group
}
