import { parseDuration } from "../../core/retry-after.ts"
import type { LimitHeaders } from "../quotas.ts"

/** `x-ratelimit-remaining-tokens: 149984`, `x-ratelimit-reset-tokens: 6m0s`. DeepSeek sends none of them. */
export const LIMIT_HEADERS: LimitHeaders = {
  tokenKinds: [["tokens", "project-tokens"]],
  nameOf: (kind, part) => `x-ratelimit-${part}-${kind}`,
  untilReset: parseDuration,
}
