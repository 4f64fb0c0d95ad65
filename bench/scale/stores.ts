import type { RequestQueue } from "../../src/queue/contract.ts"
import { createQueue } from "../../src/queue/queue.ts"
import { startTestStore, type TestStore } from "../../test/helpers/store.ts"

/** Its own Redis, on which no key is too large: `live` of a million passes Upstash's 100 MB for one key. */
export async function startLargeStore(): Promise<TestStore> {
  return startTestStore("redis", { maxKeyBytes: Number.POSITIVE_INFINITY })
}

/** As configured by default, without limits and as large as it gets; on the real clock. */
export function openQueue(store: TestStore, { fairShareMs = 4 } = {}): RequestQueue {
  const { url, token } = store
  return createQueue({
    redis: { url, token },
    queueName: "scale",
    settings: {
      ...{ maxProcessingTimeMs: 60_000, retryPenaltyMs: 60_000, deadLetterTtlSeconds: 1_209_600 },
      ...{ maxPending: 2_000_000, maxPendingPerOrganization: 2_000_000, maxPendingAgeSeconds: 604_800 },
      ...{ fairShareMs, limits: {}, commandBudget: null, providers: ["openai", "anthropic", "deepseek"] },
    },
  })
}
