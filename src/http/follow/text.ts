import type { RequestStatus } from "../../core/outcome.ts"
import type { TextPosition } from "../../queue/contract.ts"

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: false })

/** The attempt that answered; of what was not answered the last; 0: there was none. */
export function endingAttempt({ attempts }: Pick<RequestStatus, "attempts">): number {
  const ending = attempts.find(({ result }) => result === "completed") ?? attempts.at(-1)
  return ending?.number ?? 0
}

/**
 * The text of an answer's first choice behind a place, from its beginning when the place is in another attempt. null: there
 * is none.
 */
export function textBehind(
  status: Pick<RequestStatus, "attempts" | "response">,
  place: TextPosition,
): (TextPosition & { text: string }) | null {
  const attempt = endingAttempt(status)
  const bytes = encoder.encode(status.response?.choices[0]?.message.content ?? "")
  const offset = place.attempt === attempt ? Math.min(place.offset, bytes.length) : 0
  return offset === bytes.length ? null : { attempt, offset, text: decoder.decode(bytes.subarray(offset)) }
}

/** In UTF-8. */
export function bytesOf(text: string): number {
  return encoder.encode(text).length
}
