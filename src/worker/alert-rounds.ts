const EVERY_MS = 60_000

/** Looks for alerts once a minute while any worker of the process runs: where there is no cron, nobody else would. */
export class AlertRounds {
  readonly #evaluate: () => Promise<unknown>
  readonly #running = new Set<object>()
  #timer: NodeJS.Timeout | undefined

  /** `evaluate`: never rejects. */
  constructor(evaluate: () => Promise<unknown>) {
    this.#evaluate = evaluate
  }

  join(worker: object): void {
    this.#running.add(worker)
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => void this.#evaluate(), EVERY_MS)
    void this.#evaluate()
  }

  leave(worker: object): void {
    this.#running.delete(worker)
    if (this.#running.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
