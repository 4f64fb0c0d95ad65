import { keyBytes, type RawRedis } from "../../helpers/store.ts"

/** By family (`outcome`, `idem`, `finished` …): how many keys, and what they take, bytes. */
export type Families = Record<string, { keys: number; bytes: number }>

/** Kept by contract for longer than a soak: for 24 h, and to the number of 10,000 entries. */
const KEPT_LONG = ["idem", "audit"]
/** Of the two tables of all keys, the one with their expiries included. */
const TABLE_BYTES_PER_KEY = 16

export async function readFamilies(redis: RawRedis): Promise<Families> {
  const families: Families = {}
  const names = await redis.sendCommand<string[]>(["KEYS", "*"])
  const sizes = await keyBytes(redis, names)
  for (const [i, name] of names.entries()) {
    const size = sizes[i] ?? null
    if (size === null) continue
    const family = name.split(":")[2] ?? name
    const { keys, bytes } = families[family] ?? { keys: 0, bytes: 0 }
    families[family] = { keys: keys + 1, bytes: bytes + size }
  }
  return families
}

/** What grows by contract for as long as a soak lasts. */
export function keptLong(families: Families): { keys: number; bytes: number } {
  const kept = KEPT_LONG.map((family) => families[family] ?? { keys: 0, bytes: 0 })
  const keys = kept.reduce((sum, family) => sum + family.keys, 0)
  return { keys, bytes: kept.reduce((sum, family) => sum + family.bytes, keys * TABLE_BYTES_PER_KEY) }
}
