import type { Limits, ProviderLimits } from "../../src/core/limits.ts"
import type { Claim } from "../../src/queue/contract.ts"
import type { TestQueueOptions } from "./queue.ts"

export function idsOf({ requests }: Claim): string[] {
  return requests.map(({ lease }) => lease.requestId)
}

/** Whom a claim says to call, request by request. */
export function providersOf({ requests }: Claim): string[] {
  return requests.map(({ target }) => target.provider)
}

type SomeLimits = Partial<Limits> & { models?: Record<string, Partial<Limits>> }

const NO_LIMITS: Limits = { concurrency: null, rpm: null, tpm: null }

/** A queue whose providers have these limits, and no others. */
export function withLimits(limits: Record<string, SomeLimits>): TestQueueOptions {
  const complete = ({ models = {}, ...own }: SomeLimits): ProviderLimits => ({
    ...{ ...NO_LIMITS, ...own },
    models: Object.fromEntries(Object.entries(models).map(([name, of]) => [name, { ...NO_LIMITS, ...of }])),
  })
  const entries = Object.entries(limits).map(([name, of]) => [name, complete(of)] as const)
  return { settings: { limits: Object.fromEntries(entries) } }
}
