import type { RawRedis } from "../../helpers/store.ts"

/** What a process calls its operations differs from process to process. */
const OPERATION = /\b[0-9a-f]{16}\.\d+/g
/** Fields of `meta` that Lua writes in no order of its own. */
const UNORDERED = /^(fair|buckets|blocked|latency|turns|minute):|^totals$/
/** Commands that were spent: what is asked for again costs again. */
const SPENT = /^(spent|untold)$/
const SPENT_IN_MINUTE = /^\$:/
/** Their TTL counts from the instant of the write, not from the queue's clock. */
const RELATIVE = /^(idem|rate):/

/** Everything that a queue has stored, key by key with its end, to be compared with that of another queue. */
export async function readWholeState(redis: RawRedis, queueName: string): Promise<Record<string, unknown>> {
  const prefix = `aiq:{${queueName}}:`
  const send = <Reply>(...args: string[]) => redis.sendCommand<Reply>(args)
  const keys = (await send<string[]>("KEYS", `${prefix}*`)).sort()
  const entries = keys.map(async (key) => {
    const name = key.slice(prefix.length)
    const type = String(await send<string>("TYPE", key))
    const value = plain(
      type === "hash" ? sortedHash(await send("HGETALL", key)) : await readValue(send, type, key),
    )
    return [name, { value, ends: RELATIVE.test(name) ? "later" : await endOf(send, key) }] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

type Send = <Reply>(...args: string[]) => Promise<Reply>

async function readValue(send: Send, type: string, key: string): Promise<unknown> {
  if (type === "string") return send("GET", key)
  if (type === "zset") return send("ZRANGE", key, "0", "-1", "WITHSCORES")
  if (type !== "stream") throw new Error(`${key} is a ${type}`)
  // Entries are named by the store's own time.
  return (await send<[string, string[]][]>("XRANGE", key, "-", "+")).map(([, fields]) => fields)
}

function sortedHash(flat: string[]): Record<string, string> {
  const pairs = Array.from({ length: flat.length / 2 }, (_, i): [string, string] => {
    const [field = "", value = ""] = flat.slice(2 * i, 2 * i + 2)
    const counters = value.split(" ").filter((counter) => !SPENT_IN_MINUTE.test(counter))
    return [field, UNORDERED.test(field) ? counters.sort().join(" ") : value]
  }).filter(([field]) => !SPENT.test(field))
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The embedded store cannot say when. */
async function endOf(send: Send, key: string): Promise<number | string> {
  return send<number>("EXPIRETIME", key).catch(async () =>
    (await send<number>("TTL", key)) === -1 ? -1 : "later",
  )
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(OPERATION, "op"))
}
