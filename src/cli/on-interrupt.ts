import { EXIT } from "./exit.ts"

/** One Ctrl-C can arrive more than once: from the terminal, and from whatever started this. */
const SAME_MS = 1000

/**
 * Aborts the signal on SIGINT or SIGTERM, and tells; the next one, a second later or more, ends the process at once.
 * The result makes both what they were.
 */
export function onInterrupt(tell: () => void): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  let firstAt = 0
  const stop = () => {
    if (controller.signal.aborted) {
      if (Date.now() - firstAt > SAME_MS) process.exit(EXIT.interrupted)
      return
    }
    firstAt = Date.now()
    tell()
    controller.abort()
  }
  const signals = ["SIGINT", "SIGTERM"] as const
  for (const name of signals) process.on(name, stop)
  return {
    signal: controller.signal,
    release: () => {
      for (const name of signals) process.off(name, stop)
    },
  }
}
