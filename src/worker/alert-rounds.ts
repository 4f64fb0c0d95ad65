const EVERY_MS = 60_000

/** Looks for alerts once a minute while any worker of the process runs: where there is no cron, nobody else would. */
export class AlertRounds {
  readonly #evaluate: () => Promise<boolean>
  readonly #hurry: () => void
  readonly #running = new Set<object>()
  #timer: NodeJS.Timeout | undefined

  /** `evaluate`: true when somebody has to be told; never rejects. `hurry`: gets that done. */
  constructor(evaluate: () => Promise<boolean>, hurry: () => void) {
    this.#evaluate = evaluate
    this.#hurry = hurry
  }

  join(worker: object): void {
    this.#running.add(worker)
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => void this.#round(), EVERY_MS)
    void this.#round()
  }

  async #round(): Promise<void> {
    if (await this.#evaluate()) this.#hurry()
  }

  leave(worker: object): void {
    this.#running.delete(worker)
    if (this.#running.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
