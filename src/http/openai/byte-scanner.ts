import { AppError } from "../../core/errors.ts"
import { joinBytes } from "../../core/join-bytes.ts"

/** Reads a stream up to marks in it, and no faster than its reader: it holds one piece, and the length of a mark. */
export class ByteScanner {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #rest: Uint8Array

  /** `first` stands before what the stream gives. */
  constructor(stream: ReadableStream<Uint8Array> | null, first: Uint8Array) {
    this.#reader = stream?.getReader()
    this.#rest = first
  }

  /** The bytes before the next mark, piece by piece; then it stands behind the mark. Throws when the stream ends before. */
  async *until(mark: Uint8Array): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const at = find(this.#rest, mark)
      if (at !== -1) {
        if (at > 0) yield this.#rest.subarray(0, at)
        this.#rest = this.#rest.subarray(at + mark.length)
        return
      }
      // What may be the mark's beginning stays.
      const sure = this.#rest.length - (mark.length - 1)
      if (sure > 0) {
        yield this.#rest.subarray(0, sure)
        this.#rest = this.#rest.subarray(sure)
      }
      await this.#more()
    }
  }

  /** The same in one piece, of at most `most` bytes. */
  async take(mark: Uint8Array, most: number, what: string): Promise<Uint8Array> {
    let taken: Uint8Array = new Uint8Array()
    for await (const piece of this.until(mark)) {
      if (taken.length + piece.length > most) {
        throw new AppError("invalid_request", `${what} may have at most ${most} bytes.`)
      }
      taken = joinBytes(taken, piece)
    }
    return taken
  }

  /** Whether this comes next; it stays. */
  async comes(bytes: Uint8Array): Promise<boolean> {
    while (this.#rest.length < bytes.length) await this.#more()
    return bytes.every((byte, i) => byte === this.#rest[i])
  }

  /** Reads no more. Not awaited: a sender that does not stop must not hold up the answer. */
  cancel(): void {
    void this.#reader?.cancel().catch(() => undefined)
  }

  async #more(): Promise<void> {
    const { value } = (await this.#reader?.read().catch(() => undefined)) ?? {}
    if (value === undefined) throw new AppError("invalid_request", "The form broke off before its end.")
    this.#rest = joinBytes(this.#rest, value)
  }
}

function find(bytes: Uint8Array, mark: Uint8Array): number {
  const first = mark[0] ?? 0
  const last = bytes.length - mark.length
  for (let at = bytes.indexOf(first); at !== -1 && at <= last; at = bytes.indexOf(first, at + 1)) {
    if (mark.every((byte, i) => byte === bytes[at + i])) return at
  }
  return -1
}
