const MINUTE_SECONDS = 60

/** Counts what happened within the last 60 s, to the second: it holds a number a second, however much happens. */
export class LastMinute {
  /** By second of the epoch, oldest first. */
  readonly #counts = new Map<number, number>()

  add(now: number): void {
    const second = this.#forget(now)
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1)
  }

  count(now: number): number {
    this.#forget(now)
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Returns the second that it is now. */
  #forget(now: number): number {
    const second = Math.floor(now / 1000)
    for (const oldest of this.#counts.keys()) {
      if (oldest > second - MINUTE_SECONDS) break
      this.#counts.delete(oldest)
    }
    return second
  }
}
