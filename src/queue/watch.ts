import type { QueueContext } from "./context.ts"
import type { Glance, PartialText, TextPosition } from "./contract.ts"
import { decodeRecord } from "./record.ts"

/** How long a text outlives the longest that its attempt may take. */
const KEEP_SECONDS = 60

/** null: finished, or unknown. One command. */
export async function glance({ store, keys }: QueueContext, requestId: string): Promise<Glance | null> {
  const [packed] = await store.query<[string | null]>("glance", [["HGET", keys.live, requestId]])
  return packed === null ? null : readGlance(packed)
}

/** The same, and what has been stored of an attempt's text from a place on. Two commands. */
export async function glanceAtText(
  { store, keys }: QueueContext,
  requestId: string,
  { attempt, offset }: TextPosition,
): Promise<{ glance: Glance | null; text: string }> {
  const [packed, text] = await store.query<[string | null, string]>("glance", [
    ["HGET", keys.live, requestId],
    ["GETRANGE", keys.partial(requestId, attempt), offset, -1],
  ])
  return { glance: packed === null ? null : readGlance(packed), text }
}

export async function watch(
  { store, keys }: QueueContext,
  requestId: string,
  until: number,
): Promise<Glance | null> {
  const [packed] = await store.run<[string]>("watch", [
    { name: "watch", keys: [keys.live], args: [requestId, until] },
  ])
  return packed === "" ? null : readGlance(packed)
}

/** Tried once: what is missing goes along with the next write. */
export async function writePartials(
  { store, keys }: QueueContext,
  texts: PartialText[],
): Promise<(number | null)[]> {
  if (texts.length === 0) return []
  const call = {
    name: "partial" as const,
    keys: [keys.live, ...texts.map(({ lease }) => keys.partial(lease.requestId, lease.attempt))],
    args: texts.flatMap(({ lease, timeoutMs, offset, text }) => [
      ...[lease.requestId, lease.attempt, offset, Math.ceil(timeoutMs / 1000) + KEEP_SECONDS, text],
    ]),
  }
  const [replies] = await store.run<[string[]]>("partial", [call], 1)
  return replies.map((until) => (until === "" ? null : Number(until)))
}

function readGlance(packed: string): Glance {
  const { attempt, owner, startedAt, retries, lost, replays, effectiveAt } = decodeRecord(packed)
  return {
    attempt,
    owner: owner === "" ? null : owner,
    startedAt: owner === "" ? null : startedAt,
    revision: [attempt, owner, retries, lost, replays, effectiveAt].join("|"),
  }
}
