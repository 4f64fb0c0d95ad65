import { expect } from "vitest"
import type { Limits } from "../../../src/core/limits.ts"
import type { ClaimedRequest, Lease } from "../../../src/queue/contract.ts"
import { targetName } from "../../../src/queue/targets.ts"
import type { Lever } from "./steps.ts"

const NONE: Limits = { concurrency: null, rpm: null, tpm: null }
const WINDOW_MS = 60_000
/** As `docs/limits.md` says: a twelfth of a minute's worth at once, refilled at 97.5 %. */
const BURST = 1 / 12
const FILL = 0.975

/** The limits that were set, and the calls that started under them, by the name of a provider or of a target. */
export class KnownLimits {
  readonly #limits = new Map<string, Limits>()
  #starts: { call: string; name: string; at: number }[] = []

  of(name: string): Limits {
    return this.#limits.get(name) ?? NONE
  }

  change({ provider, models = {}, ...own }: Lever): void {
    this.#limits.set(provider, { ...this.of(provider), ...own })
    for (const [model, change] of Object.entries(models)) {
      const name = targetName({ provider, model })
      if (change === null) this.#limits.delete(name)
      else this.#limits.set(name, { ...this.of(name), ...change })
    }
    // How much of a bucket is left at that moment is the queue's own affair.
    this.#starts = this.#starts.filter(({ name }) => name.split("/")[0] !== provider)
  }

  /** A call starts: of no limit are there more in a minute than its bucket gives. */
  started(at: number, { lease, target }: ClaimedRequest): void {
    for (const name of [target.provider, targetName(target)]) {
      this.#starts.push({ call: callOf(lease), name, at })
      const { rpm } = this.of(name)
      if (rpm === null) continue
      const most = Math.floor(Math.max(1, rpm * BURST) + rpm * FILL + 0.001)
      const lately = this.#starts.filter((start) => start.name === name && start.at > at - WINDOW_MS)
      expect(lately.length, `starts of ${name} in a minute`).toBeLessThanOrEqual(most)
    }
  }

  /** It was handed back uncalled, and gives back what it took. */
  handedBack(lease: Lease): void {
    this.#starts = this.#starts.filter(({ call }) => call !== callOf(lease))
  }
}

function callOf({ requestId, attempt, op }: Lease): string {
  return `${requestId} ${attempt} ${op}`
}
