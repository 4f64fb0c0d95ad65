import type { Pulse } from "../../client/client.ts"
import { statsPrice } from "./budget.ts"

/** What calls cost the store, in commands, at most. */
export interface Prices {
  of(method: string, path: string): number
  /** Some depend on what waits. */
  learn(pulse: Pulse): void
}

/** About, of the dearest answer: docs/storage.md counts them. The first that matches. */
const PRICES: [RegExp, number][] = [
  [/^GET \/v1\/(self|health)\b/, 0],
  [/^GET \/v1\/pulse\b/, 2],
  [/^GET \/v1\/stats\/history\b/, 4],
  [/^GET \/v1\/providers\b/, 6],
  [/^GET \/v1\/requests\?/, 5],
  [/^GET \/v1\/requests\//, 4],
  [/^GET /, 3],
  [/./, 8],
]
/** Until the lines are known: of three of them. */
const UNKNOWN_STATS = 21

export function createPrices(): Prices {
  let stats = UNKNOWN_STATS
  return {
    of(method, path) {
      const call = `${method} ${path}`
      if (call === "GET /v1/stats") return stats
      return PRICES.find(([pattern]) => pattern.test(call))?.[1] ?? 0
    },
    learn(pulse) {
      stats = statsPrice(pulse)
    },
  }
}
