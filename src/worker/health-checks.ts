import type { QueueHealth } from "../compose.ts"
import type { Crew } from "./crew.ts"

/** Reads the queue's health at every interval when somebody wants it; workers of one process share a reading. */
export class HealthChecks {
  readonly #crew: Crew
  readonly #isWanted: () => boolean
  readonly #onHealth: (health: QueueHealth, checkedAt: number) => void
  #timer: NodeJS.Timeout | undefined

  constructor(
    crew: Crew,
    isWanted: () => boolean,
    onHealth: (health: QueueHealth, checkedAt: number) => void,
  ) {
    this.#crew = crew
    this.#isWanted = isWanted
    this.#onHealth = onHealth
  }

  start(): void {
    this.#timer = setInterval(() => void this.#check(), this.#crew.settings.healthCheckInterval)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #check(): Promise<void> {
    if (!this.#isWanted()) return
    const { lookout, deps, settings } = this.#crew
    const health = await lookout.health(settings.healthCheckInterval / 2)
    this.#onHealth(health, deps.clock())
  }
}
