import { type Clock, type Random, systemClock } from "../core/clock.ts"
import { createDeliveryStore, type DeliveryStore } from "./deliveries.ts"
import { createKeys } from "./keys.ts"
import { Store, type StoreAddress } from "./store.ts"
import { createWebhookSecretStore, type WebhookSecretStore } from "./webhook-secrets.ts"

interface WebhookStoreOptions {
  redis: StoreAddress
  queueName: string
  clock?: Clock
  random?: Random
}

/** What is kept of webhooks. */
export interface WebhookStore {
  secrets: WebhookSecretStore
  deliveries: DeliveryStore
}

export function createWebhookStore(options: WebhookStoreOptions): WebhookStore {
  const { redis, queueName, clock = systemClock, random = Math.random } = options
  const store = new Store({ ...redis, queueName, random })
  const keys = createKeys(queueName)
  return {
    secrets: createWebhookSecretStore(store, keys),
    deliveries: createDeliveryStore(store, keys, clock),
  }
}
