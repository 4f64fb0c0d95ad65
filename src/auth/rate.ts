import type { Clock } from "../core/clock.ts"
import { AppError } from "../core/errors.ts"
import type { Principal } from "./principal.ts"

/** Throws `rate_limited` when the key has used up its calls of this minute. */
export type LimitRate = (principal: Principal) => Promise<void>

/** Grants calls of a minute, over all isolates; see the store's contract. */
interface Allowances {
  takeRate(keyId: string, at: number, wanted: number, perMinute: number): Promise<number>
}

const MINUTE_MS = 60_000
/** Calls are taken from the store in tenths of a minute's worth: one round trip for each, and no minute is ever exceeded. */
const SHARE = 10
const MAX_KEYS = 5000

/** Counts calls per key and minute over all isolates. Keys without a rate cost nothing. */
export function createRateLimit(access: Allowances, clock: Clock): LimitRate {
  const allowances = new Map<string, { minute: number; left: number; isUsedUp: boolean }>()

  return async ({ keyId, ratePerMinute }) => {
    if (ratePerMinute === null) return
    const now = clock()
    const minute = Math.floor(now / MINUTE_MS)
    let allowance = allowances.get(keyId)
    if (allowance?.minute !== minute) {
      allowance = { minute, left: 0, isUsedUp: false }
      if (allowances.size >= MAX_KEYS) allowances.clear()
      allowances.set(keyId, allowance)
    }
    if (allowance.left === 0 && !allowance.isUsedUp) {
      const granted = await access.takeRate(keyId, now, Math.ceil(ratePerMinute / SHARE), ratePerMinute)
      allowance.left += granted
      allowance.isUsedUp = granted === 0
    }
    if (allowance.left === 0) {
      const retryAfterSeconds = Math.ceil(((minute + 1) * MINUTE_MS - now) / 1000)
      throw new AppError("rate_limited", `This key may make ${ratePerMinute} calls a minute.`, {
        retryAfterSeconds,
      })
    }
    allowance.left -= 1
  }
}
