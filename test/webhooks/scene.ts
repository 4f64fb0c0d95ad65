import type { DeliveryState } from "../../src/core/delivery.ts"
import type { Log, LogFields } from "../../src/core/log.ts"
import type { Callback, FinishedState } from "../../src/core/request.ts"
import { type ChoreStore, createChores } from "../../src/queue/chores.ts"
import { createWebhookStore, type WebhookStore } from "../../src/queue/webhooks.ts"
import { openWebhooks, type Webhooks } from "../../src/webhooks/webhooks.ts"
import {
  createTestClock,
  createTestQueue,
  type RequestOverrides,
  settlement,
  type TestClock,
  type TestQueue,
} from "../helpers/queue.ts"
import type { TestStore } from "../helpers/store.ts"

export interface SceneOptions {
  fetch?: typeof fetch
  config?: { webhookAllowPrivate: boolean; webhookResolver: string }
}

/** A queue with its chores and webhooks on a real store, and a clock that stands still. */
export interface Scene {
  queue: TestQueue
  clock: TestClock
  chores: ChoreStore
  store: WebhookStore
  webhooks: Webhooks
  logged: { event: string; fields: LogFields }[]
  /** Enqueues a request that calls back there, and ends it so. Its id. */
  end(state: FinishedState, url: string, changes?: Partial<Callback> & RequestOverrides): Promise<string>
  /** Names of the chores that are due. */
  due(): Promise<string[]>
  /** Sees to all chores that are due, as a lane does; the instants at which they are due again. */
  work(): Promise<(number | null)[]>
  stateOf(requestId: string): Promise<DeliveryState | undefined>
  /** Another process on the same queue. */
  sibling(options?: SceneOptions): Scene
}

export function createScene(
  store: TestStore,
  options: SceneOptions = {},
  clock = createTestClock(),
  queue = createTestQueue(store, { clock }),
): Scene {
  const address = {
    redis: { url: store.url, token: store.token },
    queueName: queue.name,
    clock,
    random: () => 0,
  }
  const chores = createChores(address)
  const webhookStore = createWebhookStore(address)
  const logged: Scene["logged"] = []
  const note = (event: string, fields: LogFields = {}) => {
    logged.push({ event, fields })
  }
  const log: Log = { info: note, warn: note, error: note }
  const { fetch: call = fetch, config = { webhookAllowPrivate: true, webhookResolver: "" } } = options
  const { webhooks, deliver } = openWebhooks({
    config: { alerts: null, ...config, queueName: queue.name },
    ...{ queue, chores, store: webhookStore, fetch: call, clock, log },
    random: () => 0.5,
  })
  const room = { spend: () => undefined, spare: Number.POSITIVE_INFINITY }
  const take = async () => (await chores.take(100, 60_000)).chores
  return {
    ...{ queue, clock, chores, store: webhookStore, webhooks, logged },
    async end(state, url, { events, includeResponse = false, ...overrides } = {}) {
      const every: Callback["events"] = ["request.completed", "request.failed", "request.cancelled"]
      const callback = { url, events: events ?? every, includeResponse }
      const [requestId = ""] = await queue.enqueueEach({ ...overrides, callback })
      if (state === "cancelled") await queue.cancel(requestId, null)
      else await queue.settle([settlement(await queue.takeOne(), state)])
      return requestId
    },
    async due() {
      const names = await store.redis.sendCommand<string[]>([
        ...["ZRANGEBYSCORE", queue.keys.chores, "-inf", String(clock())],
      ])
      return names
    },
    async work() {
      return Promise.all(
        (await take()).map(async (chore) => {
          const at = await deliver(chore.name.slice("delivery|".length), room)
          await chores.settle(chore, at)
          return at
        }),
      )
    },
    stateOf: async (requestId) => (await webhookStore.deliveries.ofRequest(requestId))[0]?.state,
    sibling: (others = {}) => createScene(store, { ...options, ...others }, clock, queue),
  }
}
