import { randomUUID } from "node:crypto"
import { type DemoClient, Refused } from "./client.ts"
import { MODELS } from "./plan.ts"

/** What stands behind a provider's name in the stack at hand. */
export interface ProbedProvider {
  simulated: boolean
}

const FAR_MS = 3_600_000

/**
 * Asks the stack who would answer, without anyone being called: each probe is cancelled long before it is due, and
 * could not start even if that failed, because its deadline comes with it. Providers that are not configured are
 * left out.
 */
export async function probeProviders(client: DemoClient): Promise<Record<string, ProbedProvider>> {
  const found: Record<string, ProbedProvider> = {}
  for (const [provider, model] of Object.entries(MODELS)) {
    const at = Date.now() + FAR_MS
    const body = {
      ...{ provider, model, organizationId: "demo-probe", messages: [{ role: "user", content: "probe" }] },
      ...{ scheduledAt: at, deadlineAt: at, resultTtlSeconds: 60, metadata: { source: "demo" } },
    }
    try {
      const requestId = await client.post(body, `demo-probe-${randomUUID()}`)
      const status = await client.status(requestId)
      await client.cancel(requestId)
      found[provider] = { simulated: status?.simulated === true }
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "provider_not_configured") throw error
    }
  }
  return found
}
