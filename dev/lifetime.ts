/** What the stack has started, and the one way in which it ends. */
export interface Lifetime {
  /** Aborted when the stack must end, for whatever reason. */
  readonly signal: AbortSignal
  /** Whether it was asked to end, by a signal; false also when something failed. */
  readonly isStopping: boolean
  /** Waits for something that is being started. `close` gets it at the end, also when the end comes first. */
  start<T>(starting: Promise<T>, close: (started: T) => unknown): Promise<T>
  /** Ends the stack because of what went wrong. */
  fail(reason: string): void
  /** Never resolves; rejects at the end, with the reason. */
  readonly ended: Promise<never>
  /** Closes everything, the latest first. Bounded. */
  close(): Promise<void>
}

/** Above the 5 s that a child gets between SIGTERM and SIGKILL. */
const CLOSE_TIMEOUT_MS = 12_000
/** npm passes on the SIGINT that the terminal has sent us already: the same one must not count twice. */
const SAME_SIGNAL_MS = 700
const PARENT_POLL_MS = 500

/** Ends on SIGINT, SIGTERM and SIGHUP, and when the npm that runs us is gone. A second signal forces. */
export function createLifetime(): Lifetime {
  const controller = new AbortController()
  const closers: (() => Promise<unknown>)[] = []
  let stoppedAt: number | null = null

  const stop = () => {
    if (stoppedAt !== null && Date.now() - stoppedAt > SAME_SIGNAL_MS) process.exit(1)
    stoppedAt ??= Date.now()
    controller.abort(new Error("stopped"))
  }
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, stop)
  const parent = process.ppid
  if (process.env.npm_lifecycle_event !== undefined) {
    // npm killed with SIGKILL passes nothing on.
    setInterval(() => process.ppid !== parent && stoppedAt === null && stop(), PARENT_POLL_MS).unref()
  }

  const ended = new Promise<never>((_, reject) => {
    controller.signal.addEventListener("abort", () => reject(controller.signal.reason))
  })
  // Whoever starts something waits for it; nobody has to.
  ended.catch(() => undefined)
  return {
    signal: controller.signal,
    get isStopping() {
      return stoppedAt !== null
    },
    ended,
    start: (starting, close) => {
      closers.push(() => starting.then(close))
      return Promise.race([starting, ended])
    },
    fail: (reason) => controller.abort(new Error(reason)),
    close: async () => {
      setTimeout(() => process.exit(1), CLOSE_TIMEOUT_MS).unref()
      // What failed to start has nothing to close.
      for (const close of closers.reverse()) await close().catch(() => undefined)
    },
  }
}
