/**
 * What a caller has been sent of an answer while it comes. An attempt may break off after some of it; what the next one
 * says can only go on from there when it begins the same way.
 */
export class ContinuedText {
  #sent = ""
  #attempt = 0
  #text = ""

  /** What is to be sent next; null: this attempt says something else than was sent. */
  take(attempt: number, text: string): string | null {
    if (attempt !== this.#attempt) this.#text = ""
    this.#attempt = attempt
    this.#text += text
    return this.#sent.startsWith(this.#text) ? "" : this.end(this.#text)
  }

  /** The same for a text that is whole. */
  end(whole: string): string | null {
    if (!whole.startsWith(this.#sent)) return null
    const rest = whole.slice(this.#sent.length)
    this.#sent = whole
    return rest
  }
}
