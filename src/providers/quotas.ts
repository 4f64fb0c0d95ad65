import type { Quota, Quotas } from "../core/limits.ts"

/** The headers of one allowance. */
export interface QuotaHeaders {
  kind: keyof Quotas
  limit: string
  remaining: string
  reset: string
}

/**
 * What an answer's headers tell of the vendor's rate limits; where several allowances are of one kind, such as input and
 * output tokens, the one with the smaller share left. `toWait` reads the vendor's form of a reset, ms from now.
 */
export function readQuotas(
  headers: Headers,
  allowances: readonly QuotaHeaders[],
  toWait: (text: string | null) => number | null,
  now: number,
): Quotas | null {
  const quotas: Quotas = { requests: null, tokens: null }
  for (const { kind, ...names } of allowances) {
    const limit = count(headers.get(names.limit))
    const remaining = count(headers.get(names.remaining))
    const waitMs = toWait(headers.get(names.reset))
    if (limit === null || limit === 0 || remaining === null || waitMs === null) continue
    const quota: Quota = { limit, remaining, fullAt: now + waitMs }
    const known = quotas[kind]
    if (known === null || remaining / limit < known.remaining / known.limit) quotas[kind] = quota
  }
  return quotas.requests === null && quotas.tokens === null ? null : quotas
}

function count(text: string | null): number | null {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null
}
