/** A line, or the data of one event, is longer than the reader allows. */
export class SseLimitError extends Error {
  override readonly name = "SseLimitError"
}

/**
 * Reads server-sent events from bytes that may be cut anywhere, also inside a character. Hands on the
 * data of each event; names, ids and comments are dropped, since no vendor's meaning depends on them.
 * Only what is new is searched for line ends, so a long line in many chunks costs linear time.
 */
export class SseParser {
  readonly #decoder = new TextDecoder()
  readonly #maxChars: number
  #line = ""
  #data: string | null = null
  #skipLineFeed = false

  /** `maxChars` bounds one line and one event's data, in UTF-16 units. */
  constructor(maxChars: number) {
    this.#maxChars = maxChars
  }

  /** Throws {@link SseLimitError}. */
  push(chunk: Uint8Array, onData: (data: string) => void): void {
    this.#feed(this.#decoder.decode(chunk, { stream: true }), onData)
  }

  /** Flushes the last event even without its blank line: some servers close right after the end marker. */
  end(onData: (data: string) => void): void {
    this.#feed(this.#decoder.decode(), onData)
    if (this.#line !== "") this.#takeLine(this.#line, onData)
    this.#line = ""
    this.#takeLine("", onData)
  }

  #feed(text: string, onData: (data: string) => void): void {
    let start = this.#skipLineFeed && text.startsWith("\n") ? 1 : 0
    if (text !== "") this.#skipLineFeed = false
    let lineFeed = text.indexOf("\n", start)
    let carriageReturn = text.indexOf("\r", start)
    while (lineFeed !== -1 || carriageReturn !== -1) {
      const atReturn = carriageReturn !== -1 && (lineFeed === -1 || carriageReturn < lineFeed)
      const end = atReturn ? carriageReturn : lineFeed
      this.#takeLine(this.#line + text.slice(start, end), onData)
      this.#line = ""
      start = end + 1
      if (atReturn && start === text.length) this.#skipLineFeed = true
      else if (atReturn && lineFeed === start) start += 1
      if (lineFeed !== -1 && lineFeed < start) lineFeed = text.indexOf("\n", start)
      if (carriageReturn !== -1 && carriageReturn < start) carriageReturn = text.indexOf("\r", start)
    }
    this.#line += text.slice(start)
    this.#check(this.#line)
  }

  #takeLine(line: string, onData: (data: string) => void): void {
    if (line === "") {
      const data = this.#data
      this.#data = null
      if (data !== null) onData(data)
    } else if (line === "data" || line.startsWith("data:")) {
      const value = line.slice(line.startsWith("data: ") ? 6 : 5)
      this.#data = this.#data === null ? value : `${this.#data}\n${value}`
      this.#check(this.#data)
    }
  }

  #check(text: string): void {
    if (text.length > this.#maxChars) throw new SseLimitError(`more than ${this.#maxChars} characters`)
  }
}
