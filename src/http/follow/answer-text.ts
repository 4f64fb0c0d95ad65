import type { RequestEvent } from "./follow-request.ts"

/**
 * The text of an answer that is passed on while it comes. An attempt that broke off in the middle is followed by another,
 * whose text can only go on where it repeats what was passed on.
 */
export class AnswerText {
  #sent = ""
  #attempt = 0
  #text = ""

  /** What can be passed on now; null: it contradicts what was. */
  take({ attempt, text }: Extract<RequestEvent, { kind: "text" }>): string | null {
    if (attempt !== this.#attempt) this.#text = ""
    this.#attempt = attempt
    this.#text += text
    return this.#advance(this.#text, this.#sent.startsWith(this.#text))
  }

  /** What is left of the whole text; null: it contradicts what was passed on. */
  rest(whole: string): string | null {
    return this.#advance(whole, false)
  }

  #advance(text: string, repeats: boolean): string | null {
    if (repeats) return ""
    if (!text.startsWith(this.#sent)) return null
    const more = text.slice(this.#sent.length)
    this.#sent = text
    return more
  }
}
