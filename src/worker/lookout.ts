import type { Claim, QueueHealth, RequestQueue } from "../compose.ts"
import type { Clock } from "../core/clock.ts"

/** A worker, as far as the lookout knows it. */
export interface Watcher {
  /** Requests that it could take on now. */
  readonly room: number
  /** It should claim. */
  wake(): void
}

/** What a look cannot see, such as what others have put off, a claim finds within that time. */
const CLAIM_EVERY_MS = 60_000
/** Where commands are spared, idle workers claim and look that much less often. */
const SPARING = { claims: 5, looks: 2 }
/** The longest that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * Finds out for all workers of one process when there is something to claim: nobody calls them. A look costs one billed
 * command, and is taken ever less often while nothing is found; a claim that finds nothing costs three, and is made when
 * a look finds a backlog, when something is due, and once a minute. Both more rarely where commands are spared.
 */
export class Lookout {
  readonly #queue: Pick<RequestQueue, "health" | "isSparing">
  readonly #clock: Clock
  readonly #limits: { min: number; max: number }
  readonly #watchers = new Set<Watcher>()
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #pauseMs: number
  #lookAt = 0
  #claimedAt = 0
  /** When the last claim said that something comes, epoch ms. */
  #dueAt = Number.POSITIVE_INFINITY
  #health: { at: number; reading: QueueHealth } | null = null

  constructor(
    queue: Pick<RequestQueue, "health" | "isSparing">,
    clock: Clock,
    pollIntervalMs: { min: number; max: number },
  ) {
    this.#queue = queue
    this.#clock = clock
    this.#limits = pollIntervalMs
    this.#pauseMs = pollIntervalMs.min
  }

  /** From now on it is woken. */
  join(watcher: Watcher): void {
    // It claims by itself when it starts.
    if (this.#watchers.size === 0) this.#claimedAt = this.#clock()
    this.#watchers.add(watcher)
    this.#soon()
  }

  leave(watcher: Watcher): void {
    this.#watchers.delete(watcher)
    if (this.#watchers.size === 0) clearTimeout(this.#timer)
  }

  /** A worker has claimed, and so knows better than the last look. */
  claimed({ requests, overdue, remaining, wakeAt }: Claim): void {
    const now = this.#clock()
    const isEmpty = requests.length === 0 && overdue.length === 0
    this.#claimedAt = now
    this.#dueAt = Math.max(wakeAt ?? Number.POSITIVE_INFINITY, now + this.#limits.min)
    if (isEmpty) this.#schedule()
    else this.#soon()
    this.#wake(remaining)
  }

  /** There are chores, which only a claim tells of. */
  hurry(): void {
    this.#dueAt = 0
    this.#schedule()
  }

  /** A reading of the queue's health that is no older than that. */
  async health(maxAgeMs: number): Promise<QueueHealth> {
    if (this.#health !== null && this.#clock() - this.#health.at < maxAgeMs) return this.#health.reading
    const reading = await this.#queue.health()
    this.#health = { at: this.#clock(), reading }
    return reading
  }

  #soon(): void {
    this.#pauseMs = this.#limits.min
    this.#lookAt = this.#clock() + this.#pauseMs
    this.#schedule()
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#watchers.size === 0 || this.#isLooking) return
    const ms = Math.min(this.#lookAt, this.#dueAt) - this.#clock()
    this.#timer = setTimeout(() => void this.#look(), Math.min(Math.max(ms, 0), LONGEST_MS))
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    const now = this.#clock()
    const times = this.#queue.isSparing() ? SPARING : { claims: 1, looks: 1 }
    if (this.#dueAt <= now || now - this.#claimedAt >= CLAIM_EVERY_MS * times.claims) {
      // Once more, unless a claim tells better.
      this.#dueAt = now + this.#limits.max
      this.#wake(1)
    } else if (this.#hasRoom) {
      this.#pauseMs = Math.min(this.#pauseMs * 2, this.#limits.max * times.looks)
      this.#wake((await this.health(0)).backlog)
    }
    this.#lookAt = this.#clock() + this.#pauseMs
    this.#isLooking = false
    this.#schedule()
  }

  get #hasRoom(): boolean {
    return [...this.#watchers].some(({ room }) => room > 0)
  }

  /** As many as that many requests need; those first that were woken longest ago. */
  #wake(wanted: number): void {
    let left = wanted
    for (const watcher of [...this.#watchers]) {
      if (left <= 0) return
      const { room } = watcher
      if (room === 0) continue
      left -= room
      this.#watchers.delete(watcher)
      this.#watchers.add(watcher)
      watcher.wake()
    }
  }
}
