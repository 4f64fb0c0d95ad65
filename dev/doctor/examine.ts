import { checkProviders } from "./check-providers.ts"
import { checkQueue } from "./check-queue.ts"
import { checkClock, checkEviction, checkExpiry, checkLatency, checkReach } from "./check-store.ts"
import { type Finding, warning } from "./finding.ts"
import { findTarget, type Target } from "./target.ts"

/**
 * Examines the settings, the store (the configured one, else or when `local` that of the local stack), the queue in
 * it and the providers. Takes a few seconds; writes one key, which expires at once. Never throws, never tells a secret.
 */
export async function examine(root: string, shell: NodeJS.ProcessEnv, local: boolean): Promise<Finding[]> {
  const { target, findings } = findTarget(root, shell, local)
  const { config } = target
  const providers =
    config === null
      ? [warning("providers", "not looked at", "correct the settings first")]
      : await checkProviders(config)
  return [...findings, ...(await examineStore(target)), ...providers]
}

async function examineStore({ store, kind, config }: Target): Promise<Finding[]> {
  if (store === null) return []
  const reach = await checkReach(store, kind)
  if (reach.level === "problem") return [reach]
  return [
    reach,
    // One after the other: what runs at the same time would spoil the latency.
    await checkLatency(store),
    await checkEviction(store),
    await checkExpiry(store),
    await checkClock(store),
    ...(config === null ? [] : await checkQueue(store, config)),
  ]
}
