import { setTimeout as wait } from "node:timers/promises"

/**
 * Asks until the probe gives something truthy, and returns that. A probe that throws is asked again.
 * Rejects after `withinMs` with the last error, or with the probe's last answer.
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  { withinMs = 10_000, everyMs = 50 }: { withinMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    let problem: unknown
    try {
      const answer = await probe()
      if (answer) return answer
      problem = new Error(`still ${JSON.stringify(answer)} after ${withinMs} ms: ${probe}`)
    } catch (error) {
      problem = error
    }
    if (Date.now() >= deadline) throw problem
    await wait(everyMs)
  }
}
