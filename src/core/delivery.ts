import { isRequestId } from "./ids.ts"
import { type CallbackEvent, FINISHED_STATES, type FinishedState } from "./request.ts"

// What became of telling a receiver that a request has ended.

export const DELIVERY_STATES = ["pending", "delivered", "failed", "exhausted", "blocked"] as const
/**
 * `pending`: it is to be sent. `failed`: the last try was in vain, another will follow. `exhausted`: no more will.
 * `blocked`: the receiver has said that this URL is gone.
 */
export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** Why a try did not deliver. */
export type DeliveryError =
  | "status"
  | "redirect"
  | "gone"
  | "timeout"
  | "network"
  | "private_address"
  | "not_resolved"

/** One call of a receiver. */
export interface DeliveryAttempt {
  at: number
  /** Of its answer; null: there was none. */
  status: number | null
  durationMs: number
  error: DeliveryError | null
}

/** One event for one receiver, as `GET /v1/deliveries` shows it. */
export interface Delivery {
  /** Also the `webhook-id`: the same for every try. */
  deliveryId: string
  requestId: string
  organizationId: string
  type: CallbackEvent
  /** Without its query, which may hold a token. */
  url: string
  state: DeliveryState
  /** The latest 20, oldest first. */
  attempts: DeliveryAttempt[]
  nextAttemptAt: number | null
  /** When the request ended. */
  createdAt: number
}

/** It is still to be told. */
export function isOpen(state: DeliveryState): boolean {
  return state === "pending" || state === "failed"
}

export const MAX_DELIVERY_ATTEMPTS = 20

/** What is told: that this request, after so many replays, has come to this end. */
export interface DeliveryTopic {
  requestId: string
  state: FinishedState
  replays: number
}

/** `msg_`, the request's id, its end, and how often it had been replayed: the same end is told under the same id. */
export function deliveryIdOf({ requestId, state, replays }: DeliveryTopic): string {
  return `msg_${requestId.slice("req_".length)}_${state}_${replays}`
}

/** null: it is no delivery's id. */
export function readDeliveryId(text: string): DeliveryTopic | null {
  const [prefix, id, end, replays = "", ...more] = text.split("_")
  const state = FINISHED_STATES.find((each) => each === end)
  const requestId = `req_${id}`
  if (prefix !== "msg" || state === undefined || !isRequestId(requestId)) return null
  if (more.length > 0 || !/^(?:0|[1-9]\d{0,8})$/.test(replays)) return null
  return { requestId, state, replays: Number(replays) }
}

const INSTANT_CHARS = 14

/** Where it stands among others, in a text that sorts by time: `00001790000000.msg_…`. Lists go by it. */
export function placeOf({ createdAt, deliveryId }: Delivery): string {
  return `${String(createdAt).padStart(INSTANT_CHARS, "0")}.${deliveryId}`
}

export function instantOf(place: string): number {
  return Number(place.slice(0, INSTANT_CHARS))
}

/** The delivery's id. */
export function readPlace(place: string): string {
  return place.slice(INSTANT_CHARS + 1)
}

export function isPlace(text: string): boolean {
  return /^\d{14}\./.test(text) && readDeliveryId(readPlace(text)) !== null
}
