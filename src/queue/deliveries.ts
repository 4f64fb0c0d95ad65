import type { Clock } from "../core/clock.ts"
import {
  type Delivery,
  type DeliveryState,
  instantOf,
  placeOf,
  readDeliveryId,
  readPlace,
} from "../core/delivery.ts"
import { unreadable } from "./formats.ts"
import { dayOf, type Keys } from "./keys.ts"
import type { Command, Store } from "./store.ts"
import { decodeSecrets, secretsCommand, type WebhookSecret } from "./webhook-secrets.ts"

/** A delivery, and what goes on with it. */
export interface StoredDelivery extends Delivery {
  /** Since it was made, or redelivered. */
  tries: number
  /** The last try is at that instant, epoch ms. */
  until: number
}

/** What a receiver is sent. Kept until it has been delivered, since an outcome may end before. */
export interface DeliveryBody {
  url: string
  body: string
}

interface DeliveryFilter {
  organizationId: string
  state: DeliveryState | null
  limit: number
  /** null: from the newest on. */
  cursor: string | null
}

/** Deliveries and what they need. Every method is one round trip unless it says otherwise; commands are given per method. */
export interface DeliveryStore {
  /** null: not known (yet), not kept (any more). One command. */
  read(deliveryId: string): Promise<{ delivery: StoredDelivery | null; body: DeliveryBody | null }>
  /** The organization's secrets, and whether this receiver has said that it is gone. Two commands. */
  receiver(organizationId: string, urlHash: string): Promise<{ secrets: WebhookSecret[]; isGone: boolean }>
  /**
   * `body`: to be kept from now on, as it is kept already (or is not), or not to be kept any more. Two commands, two more the
   * first time, and one to drop a body.
   */
  write(delivery: StoredDelivery, body: DeliveryBody | "as it is" | "dropped"): Promise<void>
  /** Nothing is sent to that URL for so long. One command. */
  block(organizationId: string, urlHash: string, seconds: number): Promise<void>
  unblock(organizationId: string, urlHash: string): Promise<void>
  /** Two round trips and two commands. */
  ofRequest(requestId: string): Promise<Delivery[]>
  /** Newest first. Two round trips; 8 commands and one per delivery. */
  list(filter: DeliveryFilter): Promise<{ data: Delivery[]; nextCursor: string | null }>
}

const VERSION = "1"
const DAY_SECONDS = 86_400
/** After the last change. */
const KEPT_DAYS = 7
/** With a filter, a page looks through more than it can return. */
const SCAN_FACTOR = 5

export function createDeliveryStore(store: Store, keys: Keys, clock: Clock): DeliveryStore {
  const query = <Reply>(op: string, commands: Command[]) =>
    commands.length === 0 ? Promise.resolve([]) : store.query<Reply[]>(op, commands)
  return {
    async read(deliveryId) {
      const [[delivery = null, body = null]] = await store.query<[(string | null)[]]>("readDelivery", [
        ["HMGET", keys.delivery(requestIdOf(deliveryId)), deliveryId, bodyField(deliveryId)],
      ])
      return { delivery: decodeDelivery(delivery), body: decodeBody(body) }
    },
    async receiver(organizationId, urlHash) {
      const [secrets, gone] = await store.query<[string | null, number]>("readReceiver", [
        secretsCommand(keys, organizationId),
        ["EXISTS", keys.goneReceiver(organizationId, urlHash)],
      ])
      return { secrets: decodeSecrets(secrets), isGone: gone === 1 }
    },
    async write(delivery, body) {
      const { deliveryId, requestId, organizationId, createdAt } = delivery
      const key = keys.delivery(requestId)
      const fields = [deliveryId, VERSION + JSON.stringify(delivery)]
      if (typeof body === "object") fields.push(bodyField(deliveryId), `${VERSION}${body.url}\n${body.body}`)
      const commands: Command[] = [
        ["HSET", key, ...fields],
        ["EXPIRE", key, KEPT_DAYS * DAY_SECONDS],
      ]
      if (body === "dropped") commands.push(["HDEL", key, bodyField(deliveryId)])
      if (delivery.attempts.length <= 1) {
        const index = keys.deliveries(organizationId, dayOf(createdAt))
        commands.push(["ZADD", index, 0, placeOf(delivery)])
        commands.push(["EXPIREAT", index, (dayOf(createdAt) + 2 + KEPT_DAYS) * DAY_SECONDS])
      }
      await store.query("writeDelivery", commands)
    },
    async block(organizationId, urlHash, seconds) {
      const key = keys.goneReceiver(organizationId, urlHash)
      await store.query("blockReceiver", [["SET", key, VERSION, "EX", seconds]])
    },
    async unblock(organizationId, urlHash) {
      await store.query("unblockReceiver", [["UNLINK", keys.goneReceiver(organizationId, urlHash)]])
    },
    async ofRequest(requestId) {
      const key = keys.delivery(requestId)
      const [fields] = await store.query<[string[]]>("listDeliveries", [["HKEYS", key]])
      const ids = fields.filter((field) => readDeliveryId(field) !== null)
      if (ids.length === 0) return []
      const [texts] = await store.query<[(string | null)[]]>("listDeliveries", [["HMGET", key, ...ids]])
      return texts
        .flatMap((text) => decodeDelivery(text) ?? [])
        .map(shown)
        .sort((a, b) => b.createdAt - a.createdAt)
    },
    async list({ organizationId, state, limit, cursor }) {
      const count = state === null ? limit : limit * SCAN_FACTOR
      const today = dayOf(cursor === null ? clock() : instantOf(cursor))
      const from = cursor === null ? "+" : `(${cursor}`
      const days = Array.from({ length: KEPT_DAYS + 1 }, (_, i) => keys.deliveries(organizationId, today - i))
      const pages = await query<string[]>(
        "listDeliveries",
        days.map((key) => ["ZRANGE", key, from, "-", "BYLEX", "REV", "LIMIT", 0, count]),
      )
      const entries = pages.flat().slice(0, count)
      const texts = await query<string | null>(
        "listDeliveries",
        entries.map(readPlace).map((id) => ["HGET", keys.delivery(requestIdOf(id)), id]),
      )
      const data: Delivery[] = []
      let last: string | null = null
      for (const [i, entry] of entries.entries()) {
        if (data.length === limit) break
        last = entry
        const delivery = decodeDelivery(texts[i] ?? null)
        if (delivery !== null && (state ?? delivery.state) === delivery.state) data.push(shown(delivery))
      }
      const isEnd = entries.length < count && last === (entries.at(-1) ?? null)
      return { data, nextCursor: isEnd ? null : last }
    },
  }
}

function bodyField(deliveryId: string): string {
  return `${deliveryId}:body`
}

function requestIdOf(deliveryId: string): string {
  return readDeliveryId(deliveryId)?.requestId ?? ""
}

/** As the API shows it. */
export function shown({ tries: _, until: __, ...delivery }: StoredDelivery): Delivery {
  return delivery
}

function decodeDelivery(text: string | null): StoredDelivery | null {
  return text === null ? null : (JSON.parse(withoutVersion(text)) as StoredDelivery)
}

function decodeBody(text: string | null): DeliveryBody | null {
  if (text === null) return null
  const end = text.indexOf("\n")
  return { url: withoutVersion(text.slice(0, end)), body: text.slice(end + 1) }
}

function withoutVersion(text: string): string {
  if (!text.startsWith(VERSION)) throw unreadable(`delivery ${text.slice(0, 4)}`)
  return text.slice(VERSION.length)
}
