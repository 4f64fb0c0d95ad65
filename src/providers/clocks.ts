import type { CancelTimer, SetTimer } from "../core/timers.ts"

/** How long a call may wait, ms; each is also bounded by the call's own timeout. */
export interface ClockLimits {
  /** Until the first content. Reasoning models may think for minutes before they say anything. */
  firstEventMs: number
  /** Between two pieces of content. Keep-alive comments, pings and blank lines are not content. */
  idleMs: number
}

export const CLOCK_LIMITS: ClockLimits = { firstEventMs: 300_000, idleMs: 60_000 }

export type Clock = "first_event" | "idle" | "total"

/** A clock that ends later than this: the process stood still (a laptop was closed, a virtual machine moved, a loop hung). */
const STANDSTILL_MS = 1000
/** So long it then reads first what arrived meanwhile: it is paid for, and timers come before sockets. */
const CATCH_UP_MS = 1000

/**
 * The three clocks of one call, and its caller's signal, as one thing that can end it. One timer that
 * is re-armed only when it fires, so that a piece of content costs no timer. Call `stop` on every path.
 */
export class CallClocks {
  /** What ended the call; null while it may go on. */
  ended: Clock | "aborted" | null = null
  readonly setTimer: SetTimer
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal
  readonly #totalAt: number
  readonly #idleMs: number
  #clock: Clock = "first_event"
  #waitingUntil: number
  #cancelTimer: CancelTimer | undefined
  #idleArmed = false
  #hasCaughtUp = false
  #onEnd: (() => void) | undefined

  constructor(timeoutMs: number, caller: AbortSignal, limits: ClockLimits, setTimer: SetTimer) {
    const now = Date.now()
    this.#totalAt = now + timeoutMs
    this.#waitingUntil = now + limits.firstEventMs
    this.#idleMs = limits.idleMs
    this.#caller = caller
    this.setTimer = setTimer
    caller.addEventListener("abort", this.#abort)
    this.#arm()
  }

  /** Aborted when the call ends early, for whichever reason. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Content arrived: from now on the idle clock runs. */
  content(): void {
    this.#clock = "idle"
    this.#waitingUntil = Date.now() + this.#idleMs
    // The idle limit is the shorter one, so the timer set for the first event would fire too late.
    if (this.ended === null && !this.#idleArmed && !this.#hasCaughtUp) this.#arm()
  }

  /** `release` frees what a read still holds when the call ends early; null takes it back. */
  onEnd(release: (() => void) | null): void {
    this.#onEnd = release ?? undefined
    if (this.ended !== null) release?.()
  }

  stop(): void {
    this.#disarm()
    this.#caller.removeEventListener("abort", this.#abort)
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #arm(): void {
    this.#disarm()
    this.#idleArmed = this.#clock === "idle"
    const wait = Math.min(this.#totalAt, this.#waitingUntil) - Date.now()
    this.#cancelTimer = this.setTimer(this.#fire, Math.max(1, wait))
  }

  readonly #fire = (): void => {
    const now = Date.now()
    const late = now - Math.min(this.#totalAt, this.#waitingUntil)
    if (late < 0) this.#arm()
    else if (late > STANDSTILL_MS && !this.#hasCaughtUp) this.#catchUp()
    else this.#end(now >= this.#totalAt ? "total" : this.#clock)
  }

  #catchUp(): void {
    this.#hasCaughtUp = true
    this.#cancelTimer = this.setTimer(this.#fire, CATCH_UP_MS)
  }

  readonly #abort = (): void => this.#end("aborted")

  #end(reason: Clock | "aborted"): void {
    if (this.ended !== null) return
    this.ended = reason
    this.stop()
    this.#controller.abort()
    this.#onEnd?.()
  }
}
