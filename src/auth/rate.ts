import type { Clock } from "../core/clock.ts"
import { AppError } from "../core/errors.ts"
import type { Principal } from "./principal.ts"

/** How a key stands in the present minute. */
export interface RateState {
  /** Calls a minute. */
  limit: number
  /** As far as this isolate knows; others may have taken some since. */
  remaining: number
  /** Until the next minute, in which all are there again. */
  resetSeconds: number
}

/** Counts a call. null: the key has no rate. Throws `rate_limited`, with the state, when this minute's are used up. */
export type LimitRate = (principal: Principal) => Promise<RateState | null>

export class RateLimited extends AppError {
  readonly rate: RateState

  constructor(rate: RateState) {
    super("rate_limited", `This key may make ${rate.limit} calls a minute.`, {
      retryAfterSeconds: rate.resetSeconds,
    })
    this.rate = rate
  }
}

/** Grants calls of a minute, over all isolates; see the store's contract. */
interface Allowances {
  takeRate(
    keyId: string,
    at: number,
    wanted: number,
    perMinute: number,
  ): Promise<{ granted: number; used: number }>
}

const MINUTE_MS = 60_000
/** Calls are taken from the store in tenths of a minute's worth: one round trip for each, and no minute is ever exceeded. */
const SHARE = 10
const MAX_KEYS = 5000

/** Counts calls per key and minute over all isolates. Keys without a rate cost nothing. */
export function createRateLimit(access: Allowances, clock: Clock): LimitRate {
  const allowances = new Map<string, { minute: number; left: number; used: number; isUsedUp: boolean }>()

  return async ({ keyId, ratePerMinute }) => {
    if (ratePerMinute === null) return null
    const now = clock()
    const minute = Math.floor(now / MINUTE_MS)
    let allowance = allowances.get(keyId)
    if (allowance?.minute !== minute) {
      allowance = { minute, left: 0, used: 0, isUsedUp: false }
      if (allowances.size >= MAX_KEYS) allowances.clear()
      allowances.set(keyId, allowance)
    }
    if (allowance.left === 0 && !allowance.isUsedUp) {
      const { granted, used } = await access.takeRate(
        keyId,
        now,
        Math.ceil(ratePerMinute / SHARE),
        ratePerMinute,
      )
      allowance.left += granted
      allowance.used = Math.max(used, allowance.used)
      allowance.isUsedUp = granted === 0
    }
    const resetSeconds = Math.ceil(((minute + 1) * MINUTE_MS - now) / 1000)
    if (allowance.left === 0) throw new RateLimited({ limit: ratePerMinute, remaining: 0, resetSeconds })
    allowance.left -= 1
    const remaining = Math.max(ratePerMinute - allowance.used + allowance.left, 0)
    return { limit: ratePerMinute, remaining, resetSeconds }
  }
}
