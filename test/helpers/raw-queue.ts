import type { RawRedis } from "./store.ts"

/** Everything that a queue has stored, by the names of the storage contract without their prefix. */
export interface RawQueue {
  meta: Map<string, string>
  /** id → packed record. */
  live: Map<string, string>
  /** Sorted sets by name: `line:openai`, `leases:openai`. */
  lines: Map<string, Map<string, number>>
  leases: Map<string, Map<string, number>>
  scheduled: Map<string, number>
  deadlines: Map<string, number>
  /** By `state:day` and `organization:day`. */
  finished: Map<string, Map<string, number>>
  recent: Map<string, Map<string, number>>
  outcomes: Map<string, string>
  /** Seconds, of every `metadata`, `body`, `outcome` and `attempts` key; -1: none. */
  ttls: Map<string, number>
  /** `organization:sha` of every idempotency key. */
  idempotencyKeys: string[]
  /** Index, idempotency, rate, partial, file, batch and delivery keys that have no TTL, though all of them should. */
  endless: string[]
  unknownKeys: string[]
}

const PATTERNS = {
  hash: /^(meta|live)$/,
  set: /^(scheduled|deadlines|line:.+|leases:.+)$/,
  index: /^(finished:(completed|failed|cancelled):\d+|recent:[\w.-]+:\d+)$/,
  text: /^(metadata|body|outcome|attempts):req_\w{23}$/,
  passing:
    /^(idem:(\*|[\w.-]+):[0-9a-f]+|rate:\w+:\d+|partial:req_\w{23}:\d+|files?:[\w.-]+(:\d+)?|upload:\w+|batch:\w+(:ids)?|batches:\w+:[\w.-]+|delivery:req_\w{23}|deliveries:[\w.-]+:\d+|gone:[\w.-]+:[0-9a-f]+)$/,
  kept: /^(keys|audit|chores|webhook-secrets|history:minutes|history:hours)$/,
}

/** Two round trips' worth of commands; not atomic, so nothing else may be running. */
export async function readRawQueue(redis: RawRedis, queueName: string): Promise<RawQueue> {
  const prefix = `aiq:{${queueName}}:`
  const names = (await redis.sendCommand<string[]>(["KEYS", `${prefix}*`])).map((key) =>
    key.slice(prefix.length),
  )
  const raw: RawQueue = {
    ...{ meta: new Map(), live: new Map(), lines: new Map(), leases: new Map() },
    ...{ scheduled: new Map(), deadlines: new Map(), finished: new Map(), recent: new Map() },
    ...{ outcomes: new Map(), ttls: new Map(), idempotencyKeys: [], endless: [], unknownKeys: [] },
  }
  const ttlOf = (name: string) => redis.sendCommand<number>(["TTL", prefix + name])
  const hashOf = async (name: string) => pairs(await redis.sendCommand<string[]>(["HGETALL", prefix + name]))
  const setOf = async (name: string) => {
    const flat = await redis.sendCommand<string[]>(["ZRANGE", prefix + name, "0", "-1", "WITHSCORES"])
    return new Map([...pairs(flat)].map(([member, score]) => [member, Number(score)]))
  }
  const read = async (name: string): Promise<void> => {
    if (name === "meta") raw.meta = await hashOf(name)
    else if (name === "live") raw.live = await hashOf(name)
    else if (name === "scheduled" || name === "deadlines") raw[name] = await setOf(name)
    else if (PATTERNS.set.test(name))
      raw[name.startsWith("line:") ? "lines" : "leases"].set(name, await setOf(name))
    else if (PATTERNS.index.test(name)) {
      const kind = name.startsWith("finished:") ? "finished" : "recent"
      const [members, ttl] = await Promise.all([setOf(name), ttlOf(name)])
      raw[kind].set(name.slice(kind.length + 1), members)
      if (ttl === -1) raw.endless.push(name)
    } else if (PATTERNS.text.test(name)) {
      const isOutcome = name.startsWith("outcome:")
      const [ttl, text] = await Promise.all([
        ttlOf(name),
        isOutcome ? redis.sendCommand<string | null>(["GET", prefix + name]) : null,
      ])
      // -2: it has ended between the two commands.
      if (ttl === -2) return
      raw.ttls.set(name, ttl)
      if (text !== null) raw.outcomes.set(name.slice("outcome:".length), text)
    } else if (PATTERNS.passing.test(name)) {
      if (name.startsWith("idem:")) raw.idempotencyKeys.push(name.slice("idem:".length))
      if ((await ttlOf(name)) === -1) raw.endless.push(name)
    } else if (!PATTERNS.kept.test(name)) raw.unknownKeys.push(name)
  }
  await Promise.all(names.map(read))
  return raw
}

function pairs(flat: string[]): Map<string, string> {
  const result = new Map<string, string>()
  for (let i = 0; i + 1 < flat.length; i += 2) result.set(flat[i] ?? "", flat[i + 1] ?? "")
  return result
}
