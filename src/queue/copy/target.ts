import { AppError } from "../../core/errors.ts"
import type { CopyStore } from "./copy-store.ts"
import { listNames } from "./reader.ts"

// The queue that a copy is put into. Until it is whole, `meta` holds whose copy it is, and that nothing may start.

const MARK = "restoring"
const META_PAIRS = 1000

/**
 * Takes an empty queue, or one that the same copy is being put into. `copyId` tells copies apart. Throws `conflict` for
 * any other. True: it was begun before.
 */
export async function takeTarget(store: CopyStore, copyId: string): Promise<boolean> {
  const [mark] = await store.query<[string | null]>("restore", [["HGET", store.keys.meta, MARK]])
  if (mark === copyId) return true
  if (mark !== null) throw new AppError("conflict", "Another backup is being restored into this queue.")
  const names = await listNames(store)
  if (names.length > 0 && !(await isOnlyCounted(store, names))) {
    const found = `${names.length} keys, such as ${names.slice(0, 3).join(", ")}`
    throw new AppError(
      "conflict",
      `The queue ${store.queueName} is not empty there (${found}): restore into an empty one, or under another name.`,
    )
  }
  await store.query("restore", [["HSET", store.keys.meta, "paused:*", 1, MARK, copyId]])
  return false
}

/** Commands of whoever looked at a queue are counted though there is none: this very scan may be such. */
async function isOnlyCounted(store: CopyStore, names: string[]): Promise<boolean> {
  if (names.some((name) => name !== "meta")) return false
  const [fields] = await store.query<[string[]]>("restore", [["HKEYS", store.keys.meta]])
  return fields.every((field) => field === "untold")
}

/** Nothing is left to be put into it. */
export async function isWhole(store: CopyStore): Promise<boolean> {
  const [[mark, version]] = await store.query<[(string | null)[]]>("restore", [
    ["HMGET", store.keys.meta, MARK, "version"],
  ])
  return mark === null && version !== null
}

/** Throws `conflict` when somebody has enqueued meanwhile: the counts would not be true. */
export async function finishTarget(
  store: CopyStore,
  copyId: string,
  fields: [field: string, value: string | number][],
): Promise<void> {
  const { meta } = store.keys
  const [known] = await store.query<[(string | null)[]]>("restore", [
    ["HMGET", meta, MARK, "version", "load"],
  ])
  const [mark, version, load] = known
  const isFinished = version !== null && String(load) === String(new Map(fields).get("load"))
  if (mark !== copyId || (version !== null && !isFinished)) {
    throw new AppError(
      "conflict",
      "Something else has written into the queue while it was restored: keep Workers away until it is whole. Start again with an empty queue.",
    )
  }
  for (let from = 0; from < fields.length; from += META_PAIRS) {
    await store.query("restore", [["HSET", meta, ...fields.slice(from, from + META_PAIRS).flat()]])
  }
  await store.query("restore", [["HDEL", meta, MARK]])
}
