import { once } from "node:events"
import type { ServerResponse } from "node:http"
import { setImmediate } from "node:timers/promises"
import type { Behaviour } from "./behaviour.ts"

/** Writes a body as the script wants it torn, and no faster than the client reads. */
export class BodyWriter {
  readonly #response: ServerResponse
  readonly #signal: AbortSignal
  readonly #behaviour: Behaviour

  /** `signal` is aborted when the client leaves; every write after that throws. */
  constructor(response: ServerResponse, behaviour: Behaviour, signal: AbortSignal) {
    this.#response = response
    this.#behaviour = behaviour
    this.#signal = signal
  }

  async write(content: string | Buffer): Promise<void> {
    const { crlf, splitBytes } = this.#behaviour
    if (content.length === 0) return
    const lines = crlf === true && typeof content === "string" ? content.replaceAll("\n", "\r\n") : content
    if (splitBytes === undefined) return this.#send(lines)
    const bytes = typeof lines === "string" ? Buffer.from(lines) : lines
    for (let at = 0; at < bytes.length; at += splitBytes) {
      await this.#send(bytes.subarray(at, at + splitBytes))
      await setImmediate()
    }
  }

  /** Resolves once everything written has been handed to the operating system. */
  async flush(): Promise<void> {
    await new Promise((resolve) => this.#response.write("", resolve))
  }

  end(): void {
    this.#response.end()
  }

  async #send(content: string | Buffer): Promise<void> {
    this.#signal.throwIfAborted()
    if (this.#response.write(content)) return
    await once(this.#response, "drain", { signal: this.#signal })
  }
}
