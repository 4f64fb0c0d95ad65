import { expect } from "vitest"
import type { ClaimedRequest, Lease } from "../../../src/queue/contract.ts"
import type { Picture } from "./picture.ts"

/** What must hold whatever the model says: the fence only rises, and an outcome is final. */
export class Ledger {
  private given = new Map<string, number>()
  private returnable = new Set<string>()

  /** Forgets what it hears from now on when the result is called. */
  mark(): () => void {
    const [given, returnable] = [new Map(this.given), new Set(this.returnable)]
    return () => {
      this.given = given
      this.returnable = returnable
    }
  }

  /** An attempt number was given out: higher than all before, but for one that was handed back uncalled. */
  gaveOut({ lease: { requestId, attempt } }: ClaimedRequest): void {
    const last = this.given.get(requestId) ?? 0
    const isAgain = this.returnable.delete(`${requestId} ${attempt}`)
    if (!isAgain) expect(attempt, `an attempt of ${requestId}`).toBeGreaterThan(last)
    this.given.set(requestId, attempt)
  }

  handedBack({ requestId, attempt }: Lease): void {
    this.returnable.add(`${requestId} ${attempt}`)
  }

  /** It was forgotten, and has been stored anew: the numbers start again. */
  startsAnew(requestId: string): void {
    this.given.delete(requestId)
  }

  /** Between two replays an outcome only ever changes from `lease_expired` to `completed`. */
  seeOutcomes(before: Picture, after: Picture): void {
    for (const [id, text] of Object.entries(before)) {
      const was = outcomeIn(text)
      const is = outcomeIn(after[id])
      if (was === null || is === null || was === is || replaysIn(text) !== replaysIn(after[id])) continue
      expect(`${was} → ${is}`).toMatch(/^failed lease_expired at \d+ → completed {2}at \d+$/)
    }
  }
}

function replaysIn(text: string | undefined): string | undefined {
  return /replays \d+/.exec(text ?? "")?.[0]
}

function outcomeIn(text: string | undefined): string | null {
  return /^(completed|failed|cancelled) \w* at \d+/.exec(text ?? "")?.[0] ?? null
}
