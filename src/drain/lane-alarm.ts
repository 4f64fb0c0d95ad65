import type { Clock } from "../core/clock.ts"

/** The part of a Durable Object's storage that holds its alarm. */
export interface AlarmStorage {
  getAlarm(): Promise<number | null>
  setAlarm(at: number): Promise<void>
}

/** An alarm that is so late will not come by itself: it got lost, as can happen when a local runtime is restarted. */
const LOST_AFTER_MS = 5000

/**
 * The one alarm of a lane: always at the earliest instant that was asked for. The instant is kept in
 * memory and set there before storage is waited for, so of two that are asked for at the same time
 * none is lost.
 */
export class LaneAlarm {
  readonly #storage: AlarmStorage
  readonly #clock: Clock
  #at: number | null = null

  constructor(storage: AlarmStorage, clock: Clock) {
    this.#storage = storage
    this.#clock = clock
  }

  /** Before anything else. */
  async load(): Promise<void> {
    this.#at = await this.#storage.getAlarm()
  }

  /** It has gone off: storage holds none now. */
  fired(): void {
    this.#at = null
  }

  /** At that instant, or sooner when it is set sooner; a past instant means now. */
  async arm(at: number): Promise<void> {
    const now = this.#clock()
    const soon = Math.max(at, now)
    if (this.#at !== null && this.#at <= soon && this.#at > now - LOST_AFTER_MS) return
    this.#at = soon
    await this.#storage.setAlarm(soon)
  }
}
