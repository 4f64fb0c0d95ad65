import { membersOf } from "../core/contracts/members.ts"
import { AppError } from "../core/errors.ts"

/** Of what stands around the requests, and around each of them. */
const MAX_FRAME_LENGTH = 65_536
const FRAME_PER_REQUEST = 2

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const OPEN = new Set([OPEN_ARRAY, 0x7b])
const CLOSE = new Set([0x5d, 0x7d])
const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d])

/**
 * Takes the elements out of `{"requests": [ … ]}` as the text comes, and holds one of them at a time. What stands around
 * them is kept as a frame, with a number for each, and must be JSON in the end; the elements are not parsed here.
 */
export class RequestSplitter {
  count = 0
  private frame = ""
  private element: string | null = null
  private depth = 0
  private isInString = false
  private isEscaped = false
  /** Whether the array at depth 2 is the requests'. */
  private isInRequests = false

  private readonly maxLength: number

  /** `maxLength`: characters of one request. */
  constructor(maxLength: number) {
    this.maxLength = maxLength
  }

  /** The requests that end in this text, each on one line. Throws `too_large`, and `malformed_json` for a frame without an end. */
  push(text: string): string[] {
    const ended: string[] = []
    let from = 0
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (this.isInString) {
        if (this.isEscaped) this.isEscaped = false
        else if (code === BACKSLASH) this.isEscaped = true
        else if (code === QUOTE) this.isInString = false
        if (this.element === null) this.frame += text.charAt(i)
        continue
      }
      const isBetween = this.isInRequests && this.depth === 2
      if (isBetween && this.element !== null && (code === COMMA || CLOSE.has(code))) {
        ended.push((this.element + text.slice(from, i)).replace(/[\r\n]+/g, " "))
        this.element = null
        this.count += 1
      } else if (
        isBetween &&
        this.element === null &&
        code !== COMMA &&
        !CLOSE.has(code) &&
        !BLANK.has(code)
      ) {
        this.element = ""
        from = i
        this.frame += "0"
      }
      if (code === QUOTE) this.isInString = true
      else if (OPEN.has(code)) this.open(code)
      else if (CLOSE.has(code)) this.close()
      if (this.element === null && !BLANK.has(code)) this.frame += text.charAt(i)
    }
    if (this.element !== null) this.element += text.slice(from)
    this.checkLengths()
    return ended
  }

  /** Throws `malformed_json` when the whole was none, `invalid_request` when it has no requests. */
  end(): void {
    let value: unknown
    try {
      value = JSON.parse(this.frame)
    } catch {
      throw new AppError("malformed_json", "The body is not valid JSON.")
    }
    const { requests } = membersOf(value)
    if (Array.isArray(requests) && requests.length === this.count && this.count > 0) return
    throw new AppError("invalid_request", "requests must be an array of at least one request.", {
      errors: [{ path: "/requests", message: "must be an array of at least one request" }],
    })
  }

  private open(code: number): void {
    if (this.depth === 1) {
      this.isInRequests = code === OPEN_ARRAY && /[{,]"requests":$/.test(this.frame.slice(-12))
    }
    this.depth += 1
  }

  private close(): void {
    this.depth -= 1
    if (this.depth === 1) this.isInRequests = false
  }

  private checkLengths(): void {
    if ((this.element?.length ?? 0) > this.maxLength) {
      throw new AppError("too_large", `requests.${this.count} may have at most ${this.maxLength} bytes.`)
    }
    if (this.frame.length > MAX_FRAME_LENGTH + FRAME_PER_REQUEST * this.count) {
      throw new AppError("malformed_json", "The body has too much beside its requests.")
    }
  }
}
