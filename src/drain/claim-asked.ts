import type { ClaimOptions, RequestQueue } from "../queue/contract.ts"
import type { Tally } from "./tally.ts"

/**
 * The claim that a drain asks for. One whose answer did not come is asked for again, since what it took must not wait for
 * its leases to end; and it tells the same again, since what it told beside may have been heard.
 */
export class ClaimAsked {
  #asked: Pick<ClaimOptions, "op" | "done"> | null = null
  readonly #queue: Pick<RequestQueue, "nextOp">
  readonly #tally: Tally

  constructor(queue: Pick<RequestQueue, "nextOp">, tally: Tally) {
    this.#queue = queue
    this.#tally = tally
  }

  /** As what the next claim goes. */
  get options(): Pick<ClaimOptions, "op" | "done"> {
    const done = this.#tally.untold
    this.#asked ??= { op: this.#queue.nextOp(), ...(done && { done }) }
    return this.#asked
  }

  answered(): void {
    if (this.#asked?.done !== undefined) this.#tally.told(this.#asked.done)
    this.#asked = null
  }
}
