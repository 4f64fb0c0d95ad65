import type { Clock } from "../core/clock.ts"

/** Of the few that are made at once: a slow receiver must not hold up the others. */
const CALLS_PER_HOST = 2
/** Whose last call lasted longer has one at a time. */
const SLOW_MS = 5000
/** What a call is taken to last until one has ended. */
const ASSUMED_MS = 500
const MAX_HOSTS = 1000

interface Host {
  calls: number
  lastedMs: number
  /** Those who were sent away are to come back at instants apart. */
  bookedUntil: number
}

/** The calls of this process by host. */
export class Hosts {
  readonly #clock: Clock
  readonly #hosts = new Map<string, Host>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Does the work; or, where the host has its share already, gives the instant at which to come back, epoch ms. */
  async take<Result>(name: string, work: () => Promise<Result>): Promise<Result | { comeBackAt: number }> {
    const host = this.#find(name)
    const now = this.#clock()
    const share = host.lastedMs > SLOW_MS ? 1 : CALLS_PER_HOST
    if (host.calls >= share) {
      host.bookedUntil = Math.max(now, host.bookedUntil) + Math.ceil(host.lastedMs / share)
      return { comeBackAt: host.bookedUntil }
    }
    host.calls += 1
    try {
      return await work()
    } finally {
      host.calls -= 1
      host.lastedMs = Math.max(1, this.#clock() - now)
    }
  }

  #find(name: string): Host {
    const known = this.#hosts.get(name)
    if (known !== undefined) return known
    if (this.#hosts.size >= MAX_HOSTS) {
      for (const [other, { calls }] of this.#hosts) if (calls === 0) this.#hosts.delete(other)
    }
    const host = { calls: 0, lastedMs: ASSUMED_MS, bookedUntil: 0 }
    this.#hosts.set(name, host)
    return host
  }
}
