import type { Clock, Random } from "../core/clock.ts"
import type { Config } from "../core/config.ts"
import type { Log } from "../core/log.ts"
import type { RequestQueue } from "../queue/contract.ts"
import type { DeliveryStore } from "../queue/deliveries.ts"
import type { WebhookStore } from "../queue/webhooks.ts"
import { type Alerts, createAlerts } from "./alerts.ts"
import { createDeliveryHandler, type DeliveryHandler } from "./deliver.ts"
import { type RedeliverReply, redeliver } from "./redeliver.ts"
import { createHostCheck } from "./resolve.ts"
import { createWebhookSecrets, type WebhookSecrets } from "./secrets.ts"
import { createTellAlert } from "./tell-alert.ts"

export interface WebhookDeps {
  config: Pick<Config, "webhookAllowPrivate" | "webhookResolver" | "alerts" | "queueName">
  queue: Pick<RequestQueue, "status" | "alerts">
  chores: { put(name: string, at: number): Promise<void> }
  store: WebhookStore
  fetch: typeof fetch
  clock: Clock
  random: Random
  log: Log
}

/** Callers of the API see to their webhooks with this. */
export interface Webhooks {
  secrets: Pick<WebhookSecrets, "issue" | "list" | "end">
  deliveries: Pick<DeliveryStore, "ofRequest" | "list">
  redeliver(deliveryId: string, organizationId: string | null): Promise<RedeliverReply>
}

/** What the API needs of webhooks and alerts, and the handlers of the chores that deliver them. */
export function openWebhooks({ config, store, ...deps }: WebhookDeps): {
  webhooks: Webhooks
  deliver: DeliveryHandler
  alerts: Alerts
  tellAlert: DeliveryHandler
} {
  const { deliveries } = store
  const secrets = createWebhookSecrets(store.secrets, deps.clock)
  const checkHost = config.webhookAllowPrivate
    ? async () => null
    : createHostCheck({ ...deps, resolver: config.webhookResolver })
  const webhooks: Webhooks = {
    ...{ secrets, deliveries },
    redeliver: (deliveryId, organizationId) => redeliver({ ...deps, deliveries }, deliveryId, organizationId),
  }
  const calling = { ...deps, secrets, deliveries, checkHost }
  const alertStore = deps.queue.alerts
  return {
    webhooks,
    deliver: createDeliveryHandler(calling),
    alerts: createAlerts({ config, store: alertStore, clock: deps.clock, log: deps.log }),
    tellAlert: createTellAlert({ ...calling, setting: config.alerts, store: alertStore }),
  }
}
