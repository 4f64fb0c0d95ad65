import type { Clock, Random } from "../core/clock.ts"
import {
  type DeliveryTopic,
  deliveryIdOf,
  isOpen,
  MAX_DELIVERY_ATTEMPTS,
  readDeliveryId,
} from "../core/delivery.ts"
import { sha256Hex } from "../core/digest.ts"
import type { Log } from "../core/log.ts"
import type { RequestQueue } from "../queue/contract.ts"
import type { DeliveryBody, DeliveryStore, StoredDelivery } from "../queue/deliveries.ts"
import { nextTryAt, PATIENCE_MS } from "./backoff.ts"
import { Hosts } from "./hosts.ts"
import { composeBody, readEnding } from "./payload.ts"
import { type Posted, post } from "./post.ts"
import type { CheckHost } from "./resolve.ts"
import type { WebhookSecrets } from "./secrets.ts"
import { signedHeaders } from "./sign.ts"
import { showUrl } from "./url.ts"

export interface DeliverDeps {
  queue: Pick<RequestQueue, "status">
  deliveries: DeliveryStore
  secrets: WebhookSecrets
  checkHost: CheckHost
  fetch: typeof fetch
  clock: Clock
  random: Random
  log: Log
}

interface Known {
  delivery: StoredDelivery
  body: DeliveryBody
  isBodyKept: boolean
}

const BLOCKED_SECONDS = 86_400
/** Reading what is known, the outcome and the receiver, two look-ups of the host, the call, writing down. */
const SUBREQUESTS = 7

/** What a run of chores tells its handlers. */
interface ChoreRoom {
  spend(subrequests: number): void
  readonly spare: number
}

/** Sees to a chore `delivery|…`; `id` is its name behind the kind. When it is to be seen to again, epoch ms; null: it is done. */
export type DeliveryHandler = (id: string, room: ChoreRoom) => Promise<number | null>

/** The chore that tells it, behind its kind: as the scripts name it that end requests. */
export function choreOf({ requestId, state, replays }: DeliveryTopic): string {
  return `${requestId}|${state}|${replays}`
}

function readChore(id: string): DeliveryTopic | null {
  const [requestId = "", state = "", replays = ""] = id.split("|")
  return readDeliveryId(`msg_${requestId.slice("req_".length)}_${state}_${replays}`)
}

/**
 * Makes the handler of the chores `delivery|<requestId>|<state>|<replays>`: it tells a receiver what became of a request,
 * and resolves to when it is to be told again, or null when the delivery has ended. What is told is the same each time,
 * under the same id; a chore that ran before may have told it already.
 */
export function createDeliveryHandler(deps: DeliverDeps): DeliveryHandler {
  const hosts = new Hosts(deps.clock)
  return async (id, room) => {
    const topic = readChore(id)
    if (topic === null) return null
    if (room.spare < SUBREQUESTS) return deps.clock()
    room.spend(SUBREQUESTS)
    const known = await find(deps, topic)
    if (known === null) return null
    const taken = await hosts.take(new URL(known.body.url).host, () => tell(deps, known))
    if (!("comeBackAt" in taken)) return taken.nextAttemptAt
    const { delivery, body, isBodyKept } = known
    // Its turn may come when its outcome is no longer kept.
    if (!isBodyKept) await deps.deliveries.write({ ...delivery, nextAttemptAt: taken.comeBackAt }, body)
    return taken.comeBackAt
  }
}

/** What is still to be told; null: it has ended, or nobody knows of it any more. */
async function find(deps: DeliverDeps, topic: DeliveryTopic): Promise<Known | null> {
  const { delivery, body } = await deps.deliveries.read(deliveryIdOf(topic))
  if (delivery !== null && !isOpen(delivery.state)) return null
  if (delivery !== null && body !== null) return { delivery, body, isBodyKept: true }
  const composed = await composeDelivery(deps, topic)
  if (composed !== null) return { ...composed, delivery: delivery ?? composed.delivery }
  deps.log.warn("delivery_without_outcome", { deliveryId: deliveryIdOf(topic) })
  return null
}

/** From the outcome; null when that has ended, or was discarded. One round trip. */
export async function composeDelivery(
  { queue, clock }: Pick<DeliverDeps, "queue" | "clock">,
  topic: DeliveryTopic,
): Promise<Known | null> {
  const status = await queue.status(topic.requestId, null)
  const callback = status?.callback ?? null
  if (status === null || callback === null) return null
  const now = clock()
  const ending = readEnding(status, topic, now)
  const delivery: StoredDelivery = {
    ...{ deliveryId: deliveryIdOf(topic), requestId: topic.requestId, organizationId: status.organizationId },
    ...{ type: `request.${topic.state}`, url: showUrl(callback.url), state: "pending", attempts: [] },
    ...{ nextAttemptAt: now, createdAt: ending.endedAt, tries: 0, until: now + PATIENCE_MS },
  }
  return {
    delivery,
    isBodyKept: false,
    body: { url: callback.url, body: composeBody(status, topic, ending) },
  }
}

/** Calls the receiver, unless it may not be called, and writes down how the delivery stands then. */
async function tell(deps: DeliverDeps, known: Known): Promise<StoredDelivery> {
  const { organizationId, deliveryId } = known.delivery
  const urlHash = await sha256Hex(known.body.url)
  const { secrets, isGone } = await deps.deliveries.receiver(organizationId, urlHash)
  const signing = isGone ? [] : await deps.secrets.signing(organizationId, secrets)
  const posted = isGone ? null : await call(deps, known, signing)
  const after = decide(deps, known.delivery, posted)
  const last = posted?.attempt
  if (last?.error === "gone") await deps.deliveries.block(organizationId, urlHash, BLOCKED_SECONDS)
  await deps.deliveries.write(after, bodyAfter(known, after))
  deps.log.info("delivery", {
    ...{ deliveryId, state: after.state, tries: after.tries, nextAttemptAt: after.nextAttemptAt },
    ...{ status: last?.status, error: last?.error, durationMs: last?.durationMs },
  })
  return after
}

/** What is told is kept for as long as it has to be told. */
function bodyAfter(
  { body, isBodyKept }: Known,
  { state }: StoredDelivery,
): DeliveryBody | "as it is" | "dropped" {
  if (state === "delivered") return isBodyKept ? "dropped" : "as it is"
  return isBodyKept ? "as it is" : body
}

async function call(deps: DeliverDeps, { delivery, body }: Known, signing: string[]): Promise<Posted> {
  const at = deps.clock()
  const refusal = await deps.checkHost(new URL(body.url).hostname)
  if (refusal !== null) {
    const attempt = { at, status: null, durationMs: Math.max(0, deps.clock() - at), error: refusal }
    return { attempt, askedMs: null }
  }
  // Not of the time before the look-up: receivers refuse what was signed long ago.
  const headers = await signedHeaders(delivery.deliveryId, deps.clock(), body.body, signing)
  return post({ ...body, headers }, deps)
}

/** How a delivery stands after a call; `posted` null: none was made, since the receiver is gone. */
function decide(
  { clock, random }: DeliverDeps,
  delivery: StoredDelivery,
  posted: Posted | null,
): StoredDelivery {
  const ended = { ...delivery, nextAttemptAt: null }
  if (posted === null) return { ...ended, state: "blocked" }
  const { attempt, askedMs } = posted
  const tries = delivery.tries + 1
  const attempts = [...delivery.attempts, attempt].slice(-MAX_DELIVERY_ATTEMPTS)
  const after = { ...ended, attempts, tries }
  if (attempt.error === null) return { ...after, state: "delivered" }
  if (attempt.error === "gone") return { ...after, state: "blocked" }
  const nextAttemptAt = nextTryAt(tries, {
    now: clock(),
    until: delivery.until,
    random,
    askedMs: askedMs ?? 0,
  })
  return nextAttemptAt === null
    ? { ...after, state: "exhausted" }
    : { ...after, state: "failed", nextAttemptAt }
}
