/** What a provider's account allows; null: no limit. */
export interface Limits {
  /** Calls in flight. */
  concurrency: number | null
  /** Calls a minute. */
  rpm: number | null
  /** Tokens a minute, input and output together. */
  tpm: number | null
}

/** Of one provider, and of such of its models as have limits of their own beside it. */
export interface ProviderLimits extends Limits {
  models: Record<string, Limits>
}

/** A change of limits: absent members stay, null lifts a limit. A model set to null has no limits of its own any more. */
export interface LimitsChange extends Partial<Limits> {
  models?: Record<string, Partial<Limits> | null>
}

/** What a vendor's response headers tell of one allowance. */
export interface Quota {
  limit: number
  remaining: number
  /** When all of `limit` is there again, epoch ms. */
  fullAt: number
}

export interface Quotas {
  requests: Quota | null
  tokens: Quota | null
}
