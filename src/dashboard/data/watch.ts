import { AIRequestQueueError } from "../../client/client.ts"

export interface Reading<T> {
  /** The last one that came, also when later ones failed. */
  value: T | null
  /** Why there is no newer one. */
  error: Error | null
  /** When `value` came, epoch ms. */
  readAt: number | null
  isReading: boolean
}

export interface Watch {
  /** Reads at once. */
  refresh(): Promise<void>
  stop(): void
}

const FIRST_BACKOFF_MS = 2_000
const LONGEST_BACKOFF_MS = 60_000

/**
 * Reads at once and then again, `everyMs` after each answer; null: only once. While nobody sees the page nothing is read,
 * and coming back reads no more than staying would have. After a failure it tries again, ever less often.
 */
export function watch<T>(
  read: (signal: AbortSignal) => Promise<T>,
  everyMs: number | null,
  tell: (reading: Reading<T>) => void,
): Watch {
  const ended = new AbortController()
  let reading: Reading<T> = { value: null, error: null, readAt: null, isReading: true }
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let nextAt: number | null = 0
  let running: Promise<void> | null = null

  function change(changes: Partial<Reading<T>>) {
    if (ended.signal.aborted) return
    reading = { ...reading, ...changes }
    tell(reading)
  }

  async function run() {
    clearTimeout(timer)
    if (!reading.isReading) change({ isReading: true })
    try {
      const value = await read(ended.signal)
      failures = 0
      nextAt = everyMs === null ? null : Date.now() + everyMs
      change({ value, error: null, readAt: Date.now(), isReading: false })
    } catch (error) {
      failures += 1
      nextAt = Date.now() + backOff(error, failures)
      change({ error: error instanceof Error ? error : new Error(String(error)), isReading: false })
    }
    running = null
    plan()
  }

  function begin(): Promise<void> {
    running ??= run()
    return running
  }

  function plan() {
    clearTimeout(timer)
    if (ended.signal.aborted || document.hidden || nextAt === null || running !== null) return
    timer = setTimeout(begin, Math.max(0, nextAt - Date.now()))
  }

  document.addEventListener("visibilitychange", plan)
  plan()
  return {
    refresh: begin,
    stop() {
      ended.abort()
      clearTimeout(timer)
      document.removeEventListener("visibilitychange", plan)
    },
  }
}

/** ms. Spread, so that the tabs of a whole team do not come back together. */
function backOff(error: unknown, failures: number): number {
  const asked = error instanceof AIRequestQueueError ? (error.retryAfterMs ?? 0) : 0
  const own = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), LONGEST_BACKOFF_MS)
  return Math.max(asked, own * (0.75 + Math.random() / 4))
}
