/** A world in which time goes faster: minutes of limits and backoffs pass in seconds, everything in proportion. */
export interface Pace {
  /** When it was the real time, epoch ms. */
  since: number
  factor: number
  /** How far the clock of one who lives in it is off, ms. */
  skewMs?: number
}

export function clockAt({ since, factor, skewMs = 0 }: Pace): () => number {
  const realNow = Date.now
  return () => Math.floor(since + skewMs + (realNow() - since) * factor)
}

/** From now on this process lives at that pace, its clock and its timers; what a network or a CPU takes does not shrink. */
export function liveAt(pace: Pace): void {
  Date.now = clockAt(pace)
  const realTimeout = globalThis.setTimeout
  const hastened = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
    realTimeout(run, ms / pace.factor, ...args)
  globalThis.setTimeout = Object.assign(hastened, realTimeout) as typeof setTimeout
}
