import fc from "fast-check"
import { PRIORITIES, type Priority, type Target, type WeightedTarget } from "../../../src/core/request.ts"

/** Three processes on one queue; each is configured with other providers. */
export const SERVED = [
  ["openai", "anthropic", "deepseek"],
  ["openai", "anthropic"],
  ["anthropic", "deepseek", "local-llm"],
] as const
export const PROVIDERS = ["openai", "anthropic", "deepseek", "local-llm"] as const

export interface Ask extends Target {
  fallbacks: Target[]
  route: WeightedTarget[] | null
  priority: Priority
  organizationId: string
  delayMs: number
  /** After it is due. */
  deadlineMs: number | null
  timeoutMs: number
  /** What it may answer, which counts against `tpm`. */
  maxTokens: number
}

type Kind = "completed" | "failed" | "retry" | "return" | "release" | "note" | "lost"

/** What a call came to, and what it told of its target. */
export interface Ending {
  kind: Kind
  timedOut: boolean
  health: "ok" | "trouble" | "account" | "unknown"
  blockedForMs: number
  usedTokens: number | null
  /** Of ten, so many requests are left, and they are whole again after `fullInMs`. */
  quota: { remaining: number; fullInMs: number } | null
}

export interface Lever {
  provider: (typeof PROVIDERS)[number]
  concurrency?: number | null
  rpm?: number | null
  tpm?: number | null
  models?: Record<string, { concurrency?: number | null; rpm?: number | null } | null>
}

export type FeatureStep = {
  client: 0 | 1 | 2
  /** Of the next requests to the store so many are executed without an answer. */
  lost: number
} & (
  | { do: "enqueue"; asks: Ask[] }
  | { do: "claim"; lane: number; limit: number; soon: number | null; maxTimeoutMs: number }
  | { do: "turn"; lane: number; limit: number; endings: Ending[] }
  | { do: "settle"; endings: Ending[] }
  | { do: "cancel" | "replay"; pick: number }
  | { do: "pause"; name: (typeof PROVIDERS)[number] | null; paused: boolean }
  | { do: "limit"; lever: Lever }
  | { do: "weigh"; organizationId: string; weight: number }
  | { do: "wait"; ms: number }
  | { do: "cleanUp"; olderThanSeconds: number | null }
  | { do: "maintain" }
)

const target = fc.constantFrom<Target>(
  { provider: "openai", model: "gpt" },
  { provider: "openai", model: "gpt-mini" },
  { provider: "anthropic", model: "claude" },
  { provider: "deepseek", model: "chat" },
  { provider: "local-llm", model: "llama 3/8b" },
)
const organization = fc.constantFrom("org-1", "org-2", "org-3", "Org_4.x-y")

const way: fc.Arbitrary<Pick<Ask, "provider" | "model" | "fallbacks" | "route">> = fc.oneof(
  { weight: 5, arbitrary: target.map((only) => ({ ...only, fallbacks: [], route: null })) },
  {
    weight: 3,
    arbitrary: fc
      .uniqueArray(target, {
        minLength: 2,
        maxLength: 3,
        selector: ({ provider, model }) => provider + model,
      })
      .map(([first = { provider: "openai", model: "gpt" }, ...fallbacks]) => ({
        ...first,
        fallbacks,
        route: null,
      })),
  },
  {
    weight: 2,
    arbitrary: fc
      .uniqueArray(fc.tuple(target, fc.constantFrom(1, 1, 2, 5)), {
        minLength: 1,
        maxLength: 3,
        selector: ([{ provider, model }]) => provider + model,
      })
      .map((targets) => ({
        ...{ provider: "auto", model: targets.length > 1 ? "fast" : "plain", fallbacks: [] },
        route: targets.map(([each, weight]) => ({ ...each, weight })),
      })),
  },
)

const ask: fc.Arbitrary<Ask> = fc
  .tuple(
    way,
    fc.record({
      priority: fc.constantFrom(...PRIORITIES),
      organizationId: organization,
      delayMs: fc.constantFrom(0, 0, 0, 0, 700, 60_000),
      deadlineMs: fc.constantFrom(null, null, null, null, 5000, 600_000),
      timeoutMs: fc.constantFrom(1000, 30_000, 30_000, 300_000),
      maxTokens: fc.constantFrom(10, 100, 2000),
    }),
  )
  .map(([to, rest]) => ({ ...to, ...rest }))

const ending: fc.Arbitrary<Ending> = fc.record({
  kind: fc.constantFrom<Kind>(
    ...(["completed", "completed", "completed", "failed", "retry", "retry"] as const),
    ...(["retry", "return", "release", "note", "lost"] as const),
  ),
  timedOut: fc.constantFrom(false, false, true),
  health: fc.constantFrom("ok", "ok", "trouble", "trouble", "account", "unknown"),
  blockedForMs: fc.constantFrom(0, 0, 0, 0, 2000, 90_000),
  usedTokens: fc.constantFrom(null, 10, 5000),
  quota: fc.constantFrom(
    null,
    null,
    null,
    { remaining: 0, fullInMs: 3000 },
    { remaining: 6, fullInMs: 60_000 },
  ),
})

const concurrency = fc.constantFrom(null, 1, 2, 10)
const perMinute = fc.constantFrom(null, 1, 12, 120)
const lever: fc.Arbitrary<Lever> = fc.record(
  {
    provider: fc.constantFrom(...PROVIDERS),
    concurrency,
    rpm: perMinute,
    tpm: fc.constantFrom(null, 600, 60_000),
    models: fc.dictionary(
      fc.constantFrom("gpt", "claude", "llama 3/8b"),
      fc.option(fc.record({ concurrency, rpm: perMinute }, { requiredKeys: [] })),
      { maxKeys: 2 },
    ),
  },
  { requiredKeys: ["provider"] },
)

const lane = fc.nat(2)
const limit = fc.constantFrom(0, 1, 3, 3, 20)
const action = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant("enqueue" as const),
      asks: fc.array(ask, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant("claim" as const),
      ...{ lane, limit },
      soon: fc.constantFrom(null, null, 1),
      maxTimeoutMs: fc.constantFrom(600_000, 600_000, 30_000),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("turn" as const),
      ...{ lane, limit },
      endings: fc.array(ending, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      endings: fc.array(ending, { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("cancel" as const, "replay" as const), pick: fc.nat(20) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("pause" as const),
      name: fc.constantFrom(...PROVIDERS, null),
      paused: fc.constantFrom(false, false, true),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("limit" as const), lever }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("weigh" as const),
      organizationId: organization,
      weight: fc.constantFrom(0.5, 1, 3, 10),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 50, 500, 2000, 5000, 5000, 20_000, 61_000, 97_000, 340_000, 3_700_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("cleanUp" as const),
      olderThanSeconds: fc.constantFrom(null, 60),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("maintain" as const) }) },
)

/** A life with every feature on, of up to that many steps. Without fast-check's bias: see `test/queue/model/steps.ts`. */
export function anyFeatureLife(maxLength: number): fc.Arbitrary<FeatureStep[]> {
  const step = fc
    .tuple(fc.constantFrom(0 as const, 1 as const, 2 as const), fc.constantFrom(0, 0, 0, 0, 1, 3), action)
    .map(([client, lost, what]): FeatureStep => ({ client, lost, ...what }))
  return fc.noBias(fc.array(step, { minLength: 5, maxLength, size: "max" }))
}
