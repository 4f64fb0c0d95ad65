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

export interface WatchOptions<T> {
  read: (signal: AbortSignal) => Promise<T>
  /** From one answer to the next question, ms; null: it is asked only once. */
  everyMs: () => number | null
  /** How long it must wait yet so that watching stays cheap, ms. */
  afford: () => number
  tell: (reading: Reading<T>) => void
  /** What was read elsewhere before, and need not be read again before its time. */
  from?: { value: T; readAt: number } | undefined
}

export interface Watch {
  /** Reads at once; anew when it is reading, for that may have been asked before what is to be seen. */
  refresh(): Promise<void>
  /** `everyMs` may have changed. */
  plan(): void
  stop(): void
}

const FIRST_BACKOFF_MS = 2_000
const LONGEST_BACKOFF_MS = 60_000
/** Of what is read once: coming back to it is asking again. */
const FRESH_MS = 60_000

/**
 * Reads at once and then again. While nobody sees the page nothing is read, and coming back reads no more than staying
 * would have. After a failure that may pass it tries again, ever less often.
 */
export function watch<T>({ read, everyMs, afford, tell, from }: WatchOptions<T>): Watch {
  const ended = new AbortController()
  let reading: Reading<T> = { value: null, error: null, readAt: null, isReading: from === undefined, ...from }
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  /** The last question cannot be answered, however often it is asked. */
  let isOver = false
  let retryAt: number | null = null
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null

  function change(changes: Partial<Reading<T>>) {
    if (ended.signal.aborted) return
    reading = { ...reading, ...changes }
    tell(reading)
  }

  async function run() {
    if (!reading.isReading) change({ isReading: true })
    try {
      const value = await read(ended.signal)
      failures = 0
      isOver = false
      retryAt = null
      change({ value, error: null, readAt: Date.now(), isReading: false })
    } catch (error) {
      failures += 1
      isOver = !isPassing(error)
      retryAt = Date.now() + backOff(error, failures)
      change({ error: error instanceof Error ? error : new Error(String(error)), isReading: false })
    }
    running = null
    plan()
  }

  function begin(): Promise<void> {
    clearTimeout(timer)
    running ??= run()
    return running
  }

  function refresh(): Promise<void> {
    if (running === null) return begin()
    next ??= running.then(async () => {
      next = null
      if (!ended.signal.aborted) await begin()
    })
    return next
  }

  /** null: never. */
  function nextAt(): number | null {
    if (isOver) return null
    if (retryAt !== null) return retryAt
    if (reading.readAt === null) return 0
    const pause = everyMs() ?? (reading.value === from?.value ? FRESH_MS : null)
    return pause === null ? null : reading.readAt + pause
  }

  function plan() {
    clearTimeout(timer)
    const at = nextAt()
    if (ended.signal.aborted || document.hidden || at === null || running !== null) return
    timer = setTimeout(beginIfAffordable, Math.max(0, at - Date.now()))
  }

  /** Opening a page is not watching it: what was never read is read at once. */
  function beginIfAffordable() {
    const waitMs = reading.readAt === null ? 0 : afford()
    if (waitMs === 0) void begin()
    else timer = setTimeout(beginIfAffordable, waitMs)
  }

  document.addEventListener("visibilitychange", plan)
  plan()
  return {
    refresh,
    plan,
    stop() {
      ended.abort()
      clearTimeout(timer)
      document.removeEventListener("visibilitychange", plan)
    },
  }
}

/** Trying again may help; what is wrong with the question stays wrong. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof AIRequestQueueError)) return false
  return error.status === null || error.status === 429 || error.status >= 500
}

/** ms. Spread, so that the tabs of a whole team do not come back together. */
function backOff(error: unknown, failures: number): number {
  const asked = error instanceof AIRequestQueueError ? (error.retryAfterMs ?? 0) : 0
  const own = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), LONGEST_BACKOFF_MS)
  return Math.max(asked, own * (0.75 + Math.random() / 4))
}
