import type { StatusReply } from "../../queue/contract.ts"

/** A place in the text of an attempt. `offset` in bytes of UTF-8. */
export interface TextPosition {
  attempt: number
  offset: number
}

/** Before any text. */
export const START: TextPosition = { attempt: 0, offset: 0 }

/** The text of an answer's first choice behind a place; all of it when the place is in another attempt; null: there is none. */
export function textBehind(
  { response }: Pick<StatusReply, "response">,
  attempt: number,
  from: TextPosition,
): (TextPosition & { text: string }) | null {
  const bytes = new TextEncoder().encode(response?.choices[0]?.message.content ?? "")
  const offset = from.attempt === attempt ? Math.min(from.offset, bytes.length) : 0
  if (offset === bytes.length) return null
  return { attempt, offset, text: new TextDecoder().decode(bytes.subarray(offset)) }
}
