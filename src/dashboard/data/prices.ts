import type { Pulse } from "../../client/client.ts"
import { statsPrice } from "./budget.ts"
import type { Spent } from "./meter.ts"

/** What calls cost the store, at most. */
export interface Prices {
  of(method: string, path: string): Spent
  /** Some depend on what waits. */
  learn(pulse: Pulse): void
}

export const HISTORY_PRICE = 4
export const PROVIDERS_PRICE = 4
export const STATUS_PRICE = 4
export const ALERTS_PRICE = 1

/** About, of the dearest answer: docs/costs.md counts them. The first that matches. */
const PRICES: [RegExp, number][] = [
  [/^GET \/v1\/(self|health)\b/, 0],
  [/^GET \/v1\/pulse\b/, 2],
  [/^GET \/v1\/stats\/history\b/, HISTORY_PRICE],
  [/^GET \/v1\/providers\b/, PROVIDERS_PRICE],
  [/^GET \/v1\/requests\?/, 40],
  [/^GET \/v1\/requests\//, STATUS_PRICE],
  [/^GET \/v1\/alerts\b/, ALERTS_PRICE],
  [/^GET \/v1\/deliveries\?.*requestId=/, 2],
  [/^GET \/v1\/deliveries\?/, 34],
  [/^GET /, 3],
  [/./, 8],
]
/** Until the lines are known: of three of them. */
const UNKNOWN_STATS = 22

export function createPrices(): Prices {
  let stats = UNKNOWN_STATS
  return {
    of(method, path) {
      const call = `${method} ${path}`
      const isPulse = call === "GET /v1/pulse"
      if (call === "GET /v1/stats") return { commands: stats, isPulse }
      return { commands: PRICES.find(([pattern]) => pattern.test(call))?.[1] ?? 0, isPulse }
    },
    learn(pulse) {
      stats = statsPrice(pulse)
    },
  }
}
