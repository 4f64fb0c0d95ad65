import type { Batch } from "../queue/batches-contract.ts"
import type { StoredPage } from "../queue/copy/contract.ts"
import type { Tally } from "../queue/copy/tally.ts"

/**
 * Of a page of `chores`: without those that tell of an end that is not in the dump. Such a request is still unfinished
 * there, and its end will write the chore anew.
 */
export function keptChores(page: StoredPage, tally: Tally, batches: Map<string, Batch>): StoredPage {
  const { values } = page
  const kept = values.flatMap((name, i) => {
    if (i % 2 === 1) return []
    const [kind, id = "", state = ""] = name.split("|")
    const isKept =
      kind === "delivery" ? tally.toBeTold.has(`${id}|${state}`) : kind !== "batch" || batches.has(id)
    return isKept ? [name, values[i + 1] ?? ""] : []
  })
  return { ...page, values: kept }
}

/** Batches that have not ended are gone on with, also where the copy of the chores has come too late to know. */
export function batchChores(batches: Map<string, Batch>, now: number): StoredPage {
  const unfinished = [...batches.values()].filter(({ phase }) => phase !== null)
  const values = unfinished.flatMap(({ batchId }) => [`batch|${batchId}`, String(now)])
  return { kind: "key", name: "chores", type: "zset", expiresAt: null, values }
}
