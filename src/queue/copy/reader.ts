import { AppError } from "../../core/errors.ts"
import { chunksOf } from "../file-chunks.ts"
import { decodeHead } from "../files.ts"
import { snapshotScript } from "../scripts.generated.ts"
import type { KeyType, StoredPage, StoredRequest } from "./contract.ts"
import type { CopyStore } from "./copy-store.ts"

const SCAN_COUNT = 1000
/** Fields or members of one page: a record has 200 bytes, a batch's custom id up to 64. */
const PAGE = 1000
const KEYS_AT_ONCE = 200
const IDS_AT_ONCE = 500
/** As JSON each may become twice as long, and the store takes and gives 10 MB. */
const REPLY_BYTES = 3_000_000

/** Names of all keys of the queue, without the prefix. Those that stay throughout are among them. One command per 1,000 keys of the database. */
export async function listNames(store: CopyStore, kind = ""): Promise<string[]> {
  const names = new Set<string>()
  for await (const page of scanNames(store, kind)) {
    for (const name of page) names.add(name)
  }
  return [...names].sort()
}

/** Whether the queue has any key at all. Mostly one command. */
export async function hasNames(store: CopyStore): Promise<boolean> {
  for await (const page of scanNames(store, "")) {
    if (page.length > 0) return true
  }
  return false
}

async function* scanNames(store: CopyStore, kind: string): AsyncGenerator<string[]> {
  const prefix = store.keys.named("")
  let cursor = "0"
  do {
    const [[next, keys]] = await store.query<[[string, string[]]]>("copy", [
      ["SCAN", cursor, "MATCH", `${prefix}${kind}*`, "COUNT", SCAN_COUNT],
    ])
    yield keys.map((key) => key.slice(prefix.length))
    cursor = String(next)
  } while (cursor !== "0")
}

/** How many members indexes have together. */
export async function countMembers(store: CopyStore, indexes: string[]): Promise<number> {
  let sum = 0
  for (const some of slices(indexes, KEYS_AT_ONCE)) {
    const counts = await store.query<number[]>(
      "copy",
      some.map((name) => ["ZCARD", store.keys.named(name)]),
    )
    for (const count of counts) sum += count
  }
  return sum
}

/** Members of an index whose scores are all the same, in order: those that stay throughout are among them. */
export async function* readIndex(store: CopyStore, name: string): AsyncGenerator<string[]> {
  let from = "-"
  for (;;) {
    const [members] = await store.query<[string[]]>("copy", [
      ["ZRANGE", store.keys.named(name), from, "+", "BYLEX", "LIMIT", 0, PAGE],
    ])
    if (members.length > 0) yield members
    if (members.length < PAGE) return
    from = `(${members.at(-1)}`
  }
}

/** Ids of all live requests; an id may come twice. */
export async function* readLiveIds(store: CopyStore): AsyncGenerator<string[]> {
  for await (const fields of scan(store, "HSCAN", store.keys.live)) yield everyOther(fields)
}

type Found =
  | ["live", string, string, string, string, string[]]
  | ["ended", string, string, string[]]
  | ["none"]

/** Each as it stands at one instant of its own; those that are gone are left out. */
export async function* readRequests(store: CopyStore, ids: string[]): AsyncGenerator<StoredRequest[]> {
  const { keys } = store
  for (let from = 0; from < ids.length; ) {
    const some = ids.slice(from, from + IDS_AT_ONCE)
    const texts = some.flatMap((id) => [
      ...[keys.metadata(id), keys.body(id), keys.outcome(id), keys.attempts(id)],
    ])
    const keysOfScript = [keys.live, keys.scheduled, ...texts]
    const [[spent, ...found]] = await store.query<[[number, ...Found[]]]>("copy", [
      ["EVAL", snapshotScript(), keysOfScript.length, ...keysOfScript, REPLY_BYTES, ...some],
    ])
    store.commands += spent
    from += found.length
    yield found.flatMap((entry, i) => readFound(some[i] ?? "", entry) ?? [])
  }
}

function readFound(requestId: string, found: Found): StoredRequest | null {
  if (found[0] === "none") return null
  if (found[0] === "ended") {
    const [kind, outcome, body, attempts] = found
    return { requestId, kind, outcome, body, attempts }
  }
  const [kind, record, due, metadata, body, attempts] = found
  return { requestId, kind, record, scheduledAt: due === "" ? null : Number(due), metadata, body, attempts }
}

/** Keys as they stand, in pages: of one that changes meanwhile, what stays throughout is among them. 2 commands a key, 2 more a string. */
export async function* readKeys(store: CopyStore, names: string[]): AsyncGenerator<StoredPage> {
  for (const some of slices(names, KEYS_AT_ONCE)) {
    const types = await store.query<(string | number)[]>(
      "copy",
      some.flatMap((name) => {
        const key = store.keys.named(name)
        return [
          ["TYPE", key],
          ["PEXPIRETIME", key],
        ]
      }),
    )
    const strings: Head[] = []
    for (const [i, name] of some.entries()) {
      const expiry = Number(types[2 * i + 1])
      const head: Head = { name, expiresAt: expiry === -1 ? null : expiry }
      const type = String(types[2 * i])
      // It has ended meanwhile.
      if (type === "none" || expiry === -2) continue
      if (type === "string") strings.push(head)
      else yield* readLarge(store, head, type)
    }
    yield* readStrings(store, strings)
  }
}

type Head = Pick<StoredPage, "name" | "expiresAt">

async function* readStrings(store: CopyStore, heads: Head[]): AsyncGenerator<StoredPage> {
  if (heads.length === 0) return
  const sizes = await store.query<number[]>(
    "copy",
    heads.map(({ name }) => ["STRLEN", store.keys.named(name)]),
  )
  for (let from = 0; from < heads.length; ) {
    let end = from + 1
    let bytes = sizes[from] ?? 0
    while (end < heads.length && bytes + (sizes[end] ?? 0) <= REPLY_BYTES) bytes += sizes[end++] ?? 0
    const some = heads.slice(from, end)
    const [texts] = await store.query<[(string | null)[]]>("copy", [
      ["MGET", ...some.map(({ name }) => store.keys.named(name))],
    ])
    for (const [i, text] of texts.entries()) {
      const head = some[i]
      if (head !== undefined && text !== null) yield { kind: "key", ...head, type: "string", values: [text] }
    }
    from = end
  }
}

const SCANS: Record<string, KeyType> = { HSCAN: "hash", ZSCAN: "zset", SSCAN: "set" }

async function* readLarge(store: CopyStore, head: Head, type: string): AsyncGenerator<StoredPage> {
  const key = store.keys.named(head.name)
  if (type === "stream") {
    for await (const values of readStream(store, key)) yield { kind: "key", ...head, type, values }
    return
  }
  const [command, known] = Object.entries(SCANS).find(([, each]) => each === type) ?? []
  if (command === undefined || known === undefined) {
    throw new AppError("internal", `${head.name} is a ${type}, which this version cannot copy.`)
  }
  for await (const values of scan(store, command, key)) {
    if (values.length > 0) yield { kind: "key", ...head, type: known, values }
  }
}

async function* scan(store: CopyStore, command: string, key: string): AsyncGenerator<string[]> {
  let cursor = "0"
  do {
    const [[next, values]] = await store.query<[[string, (string | number)[]]]>("copy", [
      [command, key, cursor, "COUNT", PAGE],
    ])
    yield values.map(String)
    cursor = String(next)
  } while (cursor !== "0")
}

async function* readStream(store: CopyStore, key: string): AsyncGenerator<string[]> {
  let from = "-"
  for (;;) {
    const [entries] = await store.query<[[string, string[]][]]>("copy", [
      ["XRANGE", key, from, "+", "COUNT", PAGE],
    ])
    if (entries.length > 0) yield entries.map(([id, fields]) => JSON.stringify([id, ...fields]))
    if (entries.length < PAGE) return
    from = `(${entries.at(-1)?.[0]}`
  }
}

/** Names of the chunks that a file's head speaks of; none of any other key. */
export function chunkNames({ name, values }: StoredPage): string[] {
  const [kind, id = "", ...more] = name.split(":")
  if (kind !== "file" || more.length > 0 || !id.startsWith("file-")) return []
  return chunksOf(decodeHead(values[0] ?? "").segments).map((chunk) => `file:${chunk.id}:${chunk.number}`)
}

/** Calls that are under way. */
export async function countInFlight(store: CopyStore): Promise<number> {
  const [lines] = await store.query<[string | null]>("copy", [["HGET", store.keys.meta, "lines"]])
  const names = (lines ?? "").split(" ").filter(Boolean)
  return countMembers(
    store,
    names.map((line) => `leases:${line}`),
  )
}

/** Nothing starts any more; what is in flight ends. Written down in the audit. */
export async function pauseQueue(store: CopyStore): Promise<void> {
  const { keys, clock } = store
  await store.run("pause", { name: "pause", keys: [keys.meta], args: [clock(), "*", 1] }, 2)
  const audit = {
    at: clock(),
    action: "queue.paused",
    keyId: null,
    organizationId: null,
    target: "backup",
    ip: null,
  }
  await store.run("pause", { name: "note", keys: [keys.audit], args: [JSON.stringify(audit)] }, 2)
}

export function* slices<Item>(items: Item[], size: number): Generator<Item[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size)
}

function everyOther(values: string[]): string[] {
  return values.filter((_, i) => i % 2 === 0)
}
