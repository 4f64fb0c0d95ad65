import { parseConfig } from "../../src/core/config.ts"
import type { ChatCompletion } from "../../src/core/request.ts"
import { handBack } from "../../src/drain/decide-outcome.ts"
import { Drain, type DrainDeps, type Steer } from "../../src/drain/drain.ts"
import { createQueue } from "../../src/queue/queue.ts"
import { claimedRequest } from "./claimed.ts"

const SILENT = { info: () => {}, warn: () => {}, error: () => {} }

export function answer(content: string): ChatCompletion {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "gpt-test",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "length" }],
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  }
}

/** A drain that only decides: nobody carries out what it says, so its store is never asked. */
export function deciding(
  options: {
    concurrency?: number
    subrequestLimit?: number
    steer?: Steer
    seeToChores?: DrainDeps["seeToChores"]
    tracing?: DrainDeps["tracing"]
  } = {},
) {
  const { concurrency = 50, subrequestLimit = 10_000, steer, seeToChores, tracing = null } = options
  const redis = { url: "http://127.0.0.1:1", token: "none" }
  const { config } = parseConfig({
    ADMIN_API_KEY: "a-key-for-tests-only",
    UPSTASH_REDIS_REST_URL: redis.url,
    UPSTASH_REDIS_REST_TOKEN: redis.token,
  })
  if (config === null) throw new Error("the settings are wrong")
  let now = 1_000_000
  const drain = new Drain(
    {
      queue: createQueue({ redis, queueName: "q", settings: { ...config, providers: [] } }),
      providers: new Map(),
      config: { ...config, subrequestLimit },
      clock: () => now,
      random: () => 0.5,
      ...{ log: SILENT, fetch, tracing },
      ...(seeToChores && { seeToChores }),
    },
    { owner: "test", concurrency, ...(steer === undefined ? {} : { steer }) },
  )
  let taken = 0
  return {
    drain,
    advance: (ms: number) => {
      now += ms
    },
    /** As if it had been claimed. */
    hold: () => {
      taken += 1
      return drain.hand.take(claimedRequest({ requestId: `req-${taken}` }), now)
    },
    /** As if a claim had come back. */
    found: (count: number, remaining: number, wakeAt: number | null = null) => {
      const requests = Array.from({ length: count }, () => claimedRequest())
      drain.appetite.claimed(
        { requests, overdue: [], wakeAt, remaining, maintenanceDue: false, choresDue: false, rollDue: false },
        now,
      )
    },
    answered: () => drain.outbox.add(handBack(claimedRequest().lease), now),
  }
}
