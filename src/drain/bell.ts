import type { SetTimer } from "../core/timers.ts"

/** Wakes the drain from its rest. The drain looks at everything before each rest, so no ring is lost. */
export class Bell {
  readonly #setTimer: SetTimer
  #wake: (() => void) | null = null

  constructor(setTimer: SetTimer) {
    this.#setTimer = setTimer
  }

  ring(): void {
    this.#wake?.()
  }

  /** Until the bell rings, at most that long. */
  rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel()
        this.#wake = null
        resolve()
      }
      const cancel = this.#setTimer(wake, ms)
      this.#wake = wake
    })
  }
}
