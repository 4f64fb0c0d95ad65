/** A world in which time goes faster: minutes of limits and backoffs pass in seconds, everything in proportion. */
export interface Pace {
  /** When it was the real time, epoch ms. */
  since: number
  factor: number
}

export function clockAt({ since, factor }: Pace): () => number {
  const realNow = Date.now
  return () => Math.floor(since + (realNow() - since) * factor)
}

/** From now on this process lives at that pace, its clock and its timers; what a network or a CPU takes does not shrink. */
export function liveAt(pace: Pace): void {
  Date.now = clockAt(pace)
  const realTimeout = globalThis.setTimeout
  const hastened = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
    realTimeout(run, ms / pace.factor, ...args)
  globalThis.setTimeout = Object.assign(hastened, realTimeout) as typeof setTimeout
}
