import type { AuditEntry } from "../core/audit.ts"
import type { Random } from "../core/clock.ts"
import type { StoredKey } from "../core/contracts/access.ts"
import type { AccessStore } from "./access-contract.ts"
import { unreadable } from "./formats.ts"
import { createKeys, type Keys } from "./keys.ts"
import { type ScriptCall, Store } from "./store.ts"

const VERSION = "1"
const MINUTE_MS = 60_000

export interface AccessOptions {
  redis: { url: string; token: string }
  queueName: string
  random?: Random
}

/** API keys, their rates, and the audit: `contract.ts` says what each method does and costs. */
export function createAccess({ redis, queueName, random = Math.random }: AccessOptions): AccessStore {
  const store = new Store({ ...redis, queueName, random })
  const keys = createKeys(queueName)
  const changeKey = (op: string, keyId: string, value: string, audit: AuditEntry) =>
    store.run(op, [
      { name: "key", keys: [keys.keys, keys.audit], args: [keyId, value, JSON.stringify(audit)] },
    ])
  return {
    issueKey: async (key, audit) => {
      await changeKey("issueKey", key.keyId, VERSION + JSON.stringify(key), audit)
    },
    findKey: async (keyId) => {
      const [text] = await store.query<[string | null]>("findKey", [["HGET", keys.keys, keyId]])
      return text === null ? null : decodeKey(text)
    },
    listKeys: async () => {
      const [texts] = await store.query<[string[]]>("listKeys", [["HVALS", keys.keys]])
      return texts.map(decodeKey).sort((a, b) => b.createdAt - a.createdAt)
    },
    revokeKey: async (keyId, audit) => {
      // Asked first: a revocation whose answer was lost finds nothing the second time.
      const [known] = await store.query<[number]>("revokeKey", [["HEXISTS", keys.keys, keyId]])
      if (known === 1) await changeKey("revokeKey", keyId, "", audit)
      return known === 1
    },
    takeRate: async (keyId, at, wanted, perMinute) => {
      const key = keys.rate(keyId, Math.floor(at / MINUTE_MS))
      const [[granted, used]] = await store.run<[[number, number]]>("takeRate", [
        { name: "rate", keys: [key], args: [wanted, perMinute] },
      ])
      return { granted, used }
    },
    audit: async (entry) => {
      await store.run("audit", [noteCall(keys, entry)])
    },
    listAudit: async (limit, cursor) => {
      const [entries] = await store.query<[[string, string[]][]]>("listAudit", [
        ["XREVRANGE", keys.audit, cursor === null ? "+" : `(${cursor}`, "-", "COUNT", limit],
      ])
      const data = entries.map(([, [, json = "null"]]) => JSON.parse(json) as AuditEntry)
      return { data, nextCursor: entries.length < limit ? null : (entries.at(-1)?.[0] ?? null) }
    },
  }
}

/** Notes an entry once, however often it is sent. */
export function noteCall(keys: Keys, entry: AuditEntry): ScriptCall {
  return { name: "note", keys: [keys.audit], args: [JSON.stringify(entry)] }
}

function decodeKey(text: string): StoredKey {
  if (!text.startsWith(VERSION)) throw unreadable(`key ${text.slice(0, 4)}`)
  return JSON.parse(text.slice(VERSION.length)) as StoredKey
}
