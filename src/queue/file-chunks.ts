import type { FileSegment } from "./files-contract.ts"

/**
 * The most that a chunk has as the store's JSON carries it, where a quote takes two bytes and a control character six:
 * so any 8 of them fit the store's 10 MB for a request or a reply.
 */
export const MAX_CHUNK_BYTES = 1_000_000

/** Takes the next chunk from a text. It ends after a whole line where that is not too short, and never inside a character. */
export function cutChunk(text: string): { chunk: string; rest: string } {
  let encoded = 0
  let end = 0
  while (end < text.length) {
    const isPair = isHighSurrogate(text.charCodeAt(end)) && end + 1 < text.length
    encoded += isPair ? 4 : encodedLength(text.charCodeAt(end))
    if (encoded > MAX_CHUNK_BYTES) break
    end += isPair ? 2 : 1
  }
  if (end < text.length) {
    const line = text.lastIndexOf("\n", end - 1) + 1
    if (line > end / 2) end = line
  }
  return { chunk: text.slice(0, end), rest: text.slice(end) }
}

/** Of one UTF-16 unit in JSON, bytes; half a pair counts as it does alone. */
function encodedLength(unit: number): number {
  if (unit === 0x22 || unit === 0x5c || unit === 0x0a || unit === 0x0d || unit === 0x09) return 2
  if (unit < 0x20) return 6
  if (unit < 0x80) return 1
  if (unit < 0x800) return 2
  return isHighSurrogate(unit) || (unit >= 0xdc00 && unit < 0xe000) ? 6 : 3
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}

/** How many bytes at the end begin a character that is not whole yet: 0 to 3. */
export function tailLength(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (isContinuation(byte)) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? back : 0
  }
  return 0
}

export function isContinuation(byte: number): boolean {
  return byte >= 0x80 && byte < 0xc0
}

/** Names and numbers of a file's chunks, in order. */
export function chunksOf(segments: FileSegment[]): { id: string; number: number }[] {
  return segments.flatMap(({ id, from, chunks }) =>
    Array.from({ length: chunks }, (_, i) => ({ id, number: from + i })),
  )
}
