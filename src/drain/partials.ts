import type { Clock } from "../core/clock.ts"
import { kindOf } from "../core/errors.ts"
import type { Log } from "../core/log.ts"
import type { CancelTimer, SetTimer } from "../core/timers.ts"
import type { PartialText, RequestQueue } from "../queue/contract.ts"
import type { Budget } from "./budget.ts"
import type { HeldRequest } from "./hand.ts"
import type { Slots } from "./slots.ts"

export interface PartialsDeps {
  queue: Pick<RequestQueue, "writePartials">
  clock: Clock
  setTimer: SetTimer
  log: Log
  /** Connections to the store beside the drain's own. */
  storeSlots: Slots
  budget: Budget
  /** Writes that this drain may make at most. */
  writes: number
  /** Subrequests are left that nothing already taken on will need. */
  hasSpare: () => boolean
}

/** A text that grows. */
interface Growing {
  text: string
  /** Stored of it so far: UTF-16 units, and bytes of UTF-8. */
  units: number
  bytes: number
  /** When its first text came. */
  since: number
  /** When it should be written again. */
  dueAt: number
}

/** Text gathers for so long, or for this share of the time since its first: 33 writes in 30 s of text, 64 in 10 minutes. */
const GATHER_MS = 400
const GATHER_SHARE = 0.1
/** What would be due so soon goes along. */
const JOIN_MS = 200
/** After a write that failed. */
const PAUSE_MS = 2000
/** Of one write, UTF-16 units: six bytes each at most, of the store's 10 MB. */
const MAX_UNITS_PER_WRITE = 1_500_000

const encoder = new TextEncoder()

/**
 * Texts of a drain's calls on their way to those who watch them: all in one round trip, one at a time. A write that fails or
 * is slow holds back nothing but the next; what it should have brought goes along with that, or comes with the outcome.
 */
export class Partials {
  readonly #deps: PartialsDeps
  readonly #growing = new Map<HeldRequest, Growing>()
  #writesLeft: number
  #isWriting = false
  #timerAt = Number.POSITIVE_INFINITY
  #cancelTimer: CancelTimer | undefined

  constructor(deps: PartialsDeps) {
    this.#deps = deps
    this.#writesLeft = deps.writes
  }

  /** A call's text so far. */
  grow(held: HeldRequest, text: string): void {
    const now = this.#deps.clock()
    const growing = this.#growing.get(held) ?? { text, units: 0, bytes: 0, since: now, dueAt: now }
    this.#growing.set(held, growing)
    growing.text = text
    if (held.watchedUntil > now && growing.dueAt < this.#timerAt) this.look()
  }

  /** Its call has ended: the rest of the text comes with the outcome. */
  drop(held: HeldRequest): void {
    this.#growing.delete(held)
    if (this.#growing.size === 0) this.look()
  }

  /** More may be to be written, or nothing any more. */
  look(): void {
    if (this.#isWriting) return
    this.#cancelTimer?.()
    const now = this.#deps.clock()
    this.#timerAt = Math.min(...this.#news(now).map(([, { dueAt }]) => dueAt))
    if (this.#timerAt === Number.POSITIVE_INFINITY) return
    this.#cancelTimer = this.#deps.setTimer(() => void this.#write(), Math.max(0, this.#timerAt - now))
  }

  #news(now: number): [HeldRequest, Growing][] {
    if (this.#writesLeft <= 0) return []
    return [...this.#growing].filter(
      ([held, { text, units }]) => held.watchedUntil > now && wholeUntil(text, text.length) > units,
    )
  }

  async #write(): Promise<void> {
    const { queue, clock, log, storeSlots, budget, hasSpare } = this.#deps
    this.#isWriting = true
    const release = await storeSlots.acquire()
    const now = clock()
    const news = this.#news(now).filter(([, { dueAt }]) => dueAt <= now + JOIN_MS)
    for (const [, growing] of news) {
      growing.dueAt = now + Math.max(GATHER_MS, (now - growing.since) * GATHER_SHARE)
    }
    try {
      const parts = hasSpare() ? take(news) : []
      if (parts.length === 0) return
      budget.spend(1)
      this.#writesLeft -= 1
      const replies = await queue.writePartials(parts.map(({ part }) => part))
      for (const [i, until] of replies.entries()) {
        const written = parts[i]
        if (written === undefined) continue
        const { held, growing, units, bytes } = written
        // Whose lease is lost, the drain's own look finds.
        held.watchedUntil = until ?? 0
        growing.units += units
        growing.bytes += bytes
      }
    } catch (error) {
      log.warn("text_not_stored", { kind: kindOf(error) })
      for (const [, growing] of news) growing.dueAt = Math.max(growing.dueAt, clock() + PAUSE_MS)
    } finally {
      release()
      this.#isWriting = false
      this.look()
    }
  }
}

/** What the texts have grown by, as much as one write may carry. */
function take(news: [HeldRequest, Growing][]) {
  let left = MAX_UNITS_PER_WRITE
  return news.flatMap(([held, growing]) => {
    const end = wholeUntil(growing.text, Math.min(growing.text.length, growing.units + left))
    // Half a character that a provider sent stays half a one, as in the outcome.
    const text = growing.text.slice(growing.units, end).toWellFormed()
    if (text === "") return []
    left -= text.length
    const { lease, head } = held.claimed
    const part: PartialText = { lease, timeoutMs: head.timeoutMs, offset: growing.bytes, text }
    return [{ held, growing, part, units: text.length, bytes: encoder.encode(text).length }]
  })
}

/** The end, or one before it when it lies within a character, of which the rest may be yet to come. */
function wholeUntil(text: string, end: number): number {
  const last = text.charCodeAt(end - 1)
  return last >= 0xd800 && last < 0xdc00 ? end - 1 : end
}
