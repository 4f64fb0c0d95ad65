const CHARS_PER_VALUE = 8
/** What is nested deeper is not counted: requests may hold any JSON, and the stack is finite. */
const MAX_DEPTH = 32

/**
 * About how large a value is as JSON, in characters: its texts and a little for all else. Serializing
 * it to measure it would cost milliseconds per megabyte, of the ten that a free invocation has.
 */
export function sizeOf(value: unknown, depth = 0): number {
  if (typeof value === "string") return value.length + CHARS_PER_VALUE
  if (typeof value !== "object" || value === null || depth === MAX_DEPTH) return CHARS_PER_VALUE
  let size = CHARS_PER_VALUE
  for (const member of Object.values(value)) size += sizeOf(member, depth + 1)
  return size
}
