/** Wakes the drain from its rest. The drain looks at everything before each rest, so no ring is lost. */
export class Bell {
  #wake: (() => void) | null = null

  ring(): void {
    this.#wake?.()
  }

  /** Until the bell rings, at most that long. */
  rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#wake = null
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#wake = wake
    })
  }
}
