import type { QueueContext } from "./context.ts"
import type { Glance } from "./contract.ts"
import { decodeRecord } from "./record.ts"

/** null: finished, or unknown. One command. */
export async function glance({ store, keys }: QueueContext, requestId: string): Promise<Glance | null> {
  const [packed] = await store.query<[string | null]>("glance", [["HGET", keys.live, requestId]])
  return packed === null ? null : readGlance(packed)
}

function readGlance(packed: string): Glance {
  const { attempt, owner, startedAt, retries, lost, replays, effectiveAt } = decodeRecord(packed)
  return {
    attempt,
    startedAt: owner === "" ? null : startedAt,
    revision: [attempt, owner, retries, lost, replays, effectiveAt].join("|"),
  }
}
