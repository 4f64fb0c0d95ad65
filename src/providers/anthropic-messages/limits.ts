import { untilInstant } from "../../core/retry-after.ts"
import type { LimitHeaders } from "../quotas.ts"

/**
 * `anthropic-ratelimit-tokens-remaining: 96000`, `anthropic-ratelimit-tokens-reset: 2026-11-05T12:00:59Z`.
 * `tokens` is the limit that binds, in input and output together, as ours are counted.
 */
export const LIMIT_HEADERS: LimitHeaders = {
  tokenKinds: [["tokens"], ["input-tokens", "output-tokens"]],
  nameOf: (kind, part) => `anthropic-ratelimit-${kind}-${part}`,
  untilReset: untilInstant,
}
