/** Takes a timer back; afterwards, and again, it does nothing. */
export type CancelTimer = () => void

/** Calls once, no sooner than so many ms from now. Belongs to the invocation that made it. */
export type SetTimer = (fire: () => void, ms: number) => CancelTimer

/** The runtime's own timers. */
export const setPlainTimer: SetTimer = (fire, ms) => {
  const timer = setTimeout(fire, ms)
  return () => clearTimeout(timer)
}

/** So far ahead the runtime is asked at most: a timer that nobody waits for any more is gone by then. */
const LONGEST_TICK_MS = 1000

interface Pending {
  fire: () => void
  dueAt: number
}

/**
 * Timers that never clear one of the runtime's: in a Durable Object, workerd keeps those that are cleared, and frees those
 * that fire. Those taken back are forgotten, and what was armed for them fires into nothing; while none is pending, none is
 * armed anew. A callback that throws does so to the runtime, and the others come a moment later.
 */
export function createTimers(): SetTimer {
  const pending = new Set<Pending>()
  let armedAt = Number.POSITIVE_INFINITY

  const arm = (dueAt: number) => {
    const now = performance.now()
    const at = Math.min(dueAt, now + LONGEST_TICK_MS)
    // Not sooner than what is armed already: that will look again.
    if (at >= armedAt) return
    armedAt = at
    setTimeout(tick, Math.max(0, Math.ceil(at - now)), at)
  }

  const tick = (at: number) => {
    if (at === armedAt) armedAt = Number.POSITIVE_INFINITY
    const now = performance.now()
    const due = [...pending].filter(({ dueAt }) => dueAt <= now).sort((a, b) => a.dueAt - b.dueAt)
    try {
      // One of them may take back another.
      for (const timer of due) if (pending.delete(timer)) timer.fire()
    } finally {
      const next = [...pending].reduce((least, { dueAt }) => Math.min(least, dueAt), Number.POSITIVE_INFINITY)
      if (pending.size > 0) arm(next)
    }
  }

  return (fire, ms) => {
    const timer = { fire, dueAt: performance.now() + Math.max(0, ms) }
    pending.add(timer)
    arm(timer.dueAt)
    return () => void pending.delete(timer)
  }
}
