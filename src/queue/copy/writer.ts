import { requestIdTime } from "../../core/ids.ts"
import { RECENT_TTL_DAYS } from "../enqueue.ts"
import { dayOf } from "../keys.ts"
import type { Command } from "../store.ts"
import type { Restored, StoredPage, StoredRequest } from "./contract.ts"
import type { CopyStore } from "./copy-store.ts"
import { slices } from "./reader.ts"

/** Of one round trip, characters: as JSON each may take three bytes or more, and the store takes 10 MB. */
const TRIP_BYTES = 2_000_000
/** Pairs of one command: below what a script's reply or Lua could bear, too. */
const PAIRS = 2000
/** As in `lua/include/finish.lua`. */
const INDEX_GRACE_DAYS = 3
const DAY_SECONDS = 86_400

/**
 * Collects writes and sends them together: variadic where Redis can, so that they cost little. All of them may be sent
 * twice. Requests must have been flushed before `meta` tells of them.
 */
export class QueueWriter {
  private readonly store: CopyStore
  private readonly texts = new Map<string, string>()
  private readonly hashes = new Map<string, Map<string, string>>()
  private readonly sets = new Map<string, Map<string, string | number>>()
  private readonly members = new Map<string, Set<string>>()
  private readonly streams: StoredPage[] = []
  /** Sent after all others, in order. */
  private ends: Command[] = []
  /** Of indexes that end by themselves: set once. */
  private readonly ended = new Set<string>()
  private bytes = 0

  constructor(store: CopyStore) {
    this.store = store
  }

  /** It is time to flush. */
  get isFull(): boolean {
    return this.bytes >= TRIP_BYTES
  }

  addRequest(stored: StoredRequest, restored: Restored): void {
    const { keys } = this.store
    const { requestId, organizationId } = restored
    const now = this.store.clock()
    if (stored.kind === "live" && restored.kind === "live") {
      const { record, place, text } = restored
      this.putText(keys.body(requestId), stored.body)
      this.putText(keys.metadata(requestId), stored.metadata)
      this.putPairs(keys.attempts(requestId), stored.attempts)
      this.score(keys.named(place.name), requestId, place.score)
      // One that is only to be failed is not watched any more.
      if (record.deadlineAt !== 0 && restored.state !== "processing") {
        this.score(keys.deadlines, requestId, record.deadlineAt)
      }
      this.putPairs(keys.live, [requestId, text])
    } else if (stored.kind === "ended" && restored.kind === "ended") {
      const { state, expiresAt } = restored
      const endsAt = Math.ceil(expiresAt / 1000)
      const index = keys.finished(state, dayOf(expiresAt))
      this.score(index, `${requestId}|${organizationId}`, expiresAt)
      this.endIndex(index, (dayOf(expiresAt) + 1 + INDEX_GRACE_DAYS) * DAY_SECONDS)
      // It has ended while this went on: its entry is cleaned up as others are.
      if (expiresAt > now) {
        this.put(["SET", keys.outcome(requestId), stored.outcome, "EXAT", endsAt])
        if (stored.body !== "") this.put(["SET", keys.body(requestId), stored.body, "EXAT", endsAt])
        this.putPairs(keys.attempts(requestId), stored.attempts)
        if (stored.attempts.length > 0) this.put(["EXPIREAT", keys.attempts(requestId), endsAt])
      }
    }
    const recent = keys.recent(organizationId, dayOf(requestIdTime(requestId)))
    this.score(recent, requestId, 0)
    this.endIndex(recent, (dayOf(now) + RECENT_TTL_DAYS) * DAY_SECONDS)
  }

  addPage(page: StoredPage): void {
    const { name, type, expiresAt, values } = page
    if (expiresAt !== null && expiresAt <= this.store.clock()) return
    const key = this.store.keys.named(name)
    if (type === "string") {
      const [text = ""] = values
      if (expiresAt === null) this.putText(key, text)
      else this.put(["SET", key, text, "PXAT", expiresAt])
      return
    }
    if (type === "hash") this.putPairs(key, values)
    else if (type === "zset") this.scoreAll(key, values)
    else if (type === "set") this.addMembers(key, values)
    else this.streams.push(page)
    if (expiresAt !== null) this.put(["PEXPIREAT", key, expiresAt])
  }

  /** Whatever has been added is stored. One round trip for 2 MB, and two for each page of a stream. */
  async flush(): Promise<void> {
    const commands = this.commands()
    for (let from = 0; from < commands.length; ) {
      let end = from
      for (let bytes = 0; end < commands.length && (end === from || bytes < TRIP_BYTES); end++) {
        bytes += sizeOf(commands[end] ?? [])
      }
      await this.store.query("restore", commands.slice(from, end))
      from = end
    }
    for (const page of this.streams.splice(0)) await this.writeStream(page)
  }

  private commands(): Command[] {
    const commands: Command[] = []
    let texts: Command = ["MSET"]
    let bytes = 0
    for (const [key, text] of this.texts) {
      if (bytes + text.length > TRIP_BYTES && texts.length > 1) {
        commands.push(texts)
        texts = ["MSET"]
        bytes = 0
      }
      texts.push(key, text)
      bytes += text.length
    }
    if (texts.length > 1) commands.push(texts)
    for (const [key, members] of this.members) commands.push(["SADD", key, ...members])
    for (const [key, scores] of this.sets) {
      for (const some of slices([...scores], PAIRS)) {
        commands.push(["ZADD", key, ...some.flatMap(([member, score]) => [score, member])])
      }
    }
    // Records come after what belongs to them.
    for (const [key, fields] of this.hashes) {
      for (const some of slices([...fields], PAIRS)) commands.push(["HSET", key, ...some.flat()])
    }
    commands.push(...this.ends)
    for (const map of [this.texts, this.hashes, this.sets, this.members]) map.clear()
    this.ends = []
    this.bytes = 0
    return commands
  }

  /** Ids of a stream only grow: what is there already is passed over. */
  private async writeStream({ name, values }: StoredPage): Promise<void> {
    const key = this.store.keys.named(name)
    const [last] = await this.store.query<[[string, string[]][]]>("restore", [
      ["XREVRANGE", key, "+", "-", "COUNT", 1],
    ])
    const after = last[0]?.[0] ?? "0-0"
    const entries = values.map((text) => JSON.parse(text) as string[])
    const missing = entries.filter(([id = ""]) => isLater(id, after))
    if (missing.length === 0) return
    await this.store.query(
      "restore",
      missing.map(([id = "", ...fields]) => ["XADD", key, id, ...fields]),
    )
  }

  private putText(key: string, text: string): void {
    if (text === "") return
    this.texts.set(key, text)
    this.bytes += key.length + text.length
  }

  private putPairs(key: string, values: string[]): void {
    if (values.length === 0) return
    const fields = this.hashes.get(key) ?? new Map<string, string>()
    this.hashes.set(key, fields)
    for (let i = 0; i + 1 < values.length; i += 2) fields.set(values[i] ?? "", values[i + 1] ?? "")
    this.bytes += values.reduce((sum, value) => sum + value.length, key.length)
  }

  private scoreAll(key: string, values: string[]): void {
    for (let i = 0; i + 1 < values.length; i += 2) this.score(key, values[i] ?? "", values[i + 1] ?? "")
  }

  private score(key: string, member: string, score: string | number): void {
    const scores = this.sets.get(key) ?? new Map<string, string | number>()
    this.sets.set(key, scores.set(member, score))
    this.bytes += member.length + 20
  }

  private addMembers(key: string, values: string[]): void {
    const members = this.members.get(key) ?? new Set<string>()
    this.members.set(key, members)
    for (const value of values) members.add(value)
    this.bytes += values.reduce((sum, value) => sum + value.length, 0)
  }

  private endIndex(key: string, at: number): void {
    if (this.ended.has(key)) return
    this.ended.add(key)
    this.put(["EXPIREAT", key, at])
  }

  private put(command: Command): void {
    this.ends.push(command)
    this.bytes += sizeOf(command)
  }
}

function sizeOf(command: Command): number {
  return command.reduce<number>((sum, part) => sum + String(part).length, 0)
}

function isLater(id: string, than: string): boolean {
  const [ms = 0n, sequence = 0n] = id.split("-").map(BigInt)
  const [otherMs = 0n, otherSequence = 0n] = than.split("-").map(BigInt)
  return ms > otherMs || (ms === otherMs && sequence > otherSequence)
}
