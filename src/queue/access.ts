import type { Random } from "../core/clock.ts"
import type { StoredKey } from "../core/contracts/access.ts"
import type { AccessStore, AuditEntry } from "./contract.ts"
import { newerFormat } from "./frames.ts"
import { createKeys, type Keys } from "./keys.ts"
import { type Pipeline, Store } from "./store.ts"

/** About so many entries are kept: a few megabytes. */
const AUDIT_ENTRIES = 10_000
const VERSION = "1"
const MINUTE_MS = 60_000

export interface AccessOptions {
  redis: { url: string; token: string }
  queueName: string
  random?: Random
}

/** API keys, their rates, and the audit: `contract.ts` says what each method does and costs. */
export function createAccess({ redis, queueName, random = Math.random }: AccessOptions): AccessStore {
  const store = new Store({ ...redis, random })
  const keys = createKeys(queueName)
  return {
    issueKey: async (key, audit) => {
      await store.pipeline("issueKey", (pipeline) => {
        pipeline.hset(keys.keys, { [key.keyId]: VERSION + JSON.stringify(key) })
        addEntry(pipeline, keys, audit)
      })
    },
    findKey: async (keyId) => {
      const [text] = await store.pipeline<[string | null]>("findKey", (pipeline) =>
        pipeline.hget(keys.keys, keyId),
      )
      return text === null ? null : decodeKey(text)
    },
    listKeys: async () => {
      const [texts] = await store.pipeline<[string[]]>("listKeys", (pipeline) => pipeline.hvals(keys.keys))
      return texts.map(decodeKey).sort((a, b) => b.createdAt - a.createdAt)
    },
    revokeKey: async (keyId, audit) => {
      const [removed] = await store.pipeline<[number]>("revokeKey", (pipeline) => {
        pipeline.hdel(keys.keys, keyId)
        addEntry(pipeline, keys, audit)
      })
      return removed === 1
    },
    takeRate: async (keyId, at, wanted, perMinute) => {
      const key = keys.rate(keyId, Math.floor(at / MINUTE_MS))
      const [granted] = await store.run<[number]>("takeRate", [
        { name: "rate", keys: [key], args: [wanted, perMinute] },
      ])
      return granted
    },
    audit: async (entry) => {
      await store.pipeline("audit", (pipeline) => addEntry(pipeline, keys, entry))
    },
    listAudit: async (limit, cursor) => {
      const [entries] = await store.pipeline<[[string, string[]][]]>("listAudit", (pipeline) =>
        pipeline.xrevrange(keys.audit, cursor === null ? "+" : `(${cursor}`, "-", limit),
      )
      const data = entries.map(([, [, json = "null"]]) => JSON.parse(json) as AuditEntry)
      return { data, nextCursor: entries.length < limit ? null : (entries.at(-1)?.[0] ?? null) }
    },
  }
}

export function addEntry(pipeline: Pipeline, keys: Keys, entry: AuditEntry): void {
  const trim = { type: "MAXLEN", threshold: AUDIT_ENTRIES, comparison: "~" } as const
  pipeline.xadd(keys.audit, "*", { entry: JSON.stringify(entry) }, { trim })
}

function decodeKey(text: string): StoredKey {
  if (!text.startsWith(VERSION)) throw newerFormat(`key ${text.slice(0, 4)}`)
  return JSON.parse(text.slice(VERSION.length)) as StoredKey
}
