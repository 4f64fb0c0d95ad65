import { AuditQuery } from "../../../src/core/contracts/parameters.ts"
import { DeliveriesQuery, WebhookSecretsQuery } from "../../../src/core/contracts/webhooks.ts"
import {
  AuditPage,
  DeliveryPage,
  IssuedKey,
  IssuedSecret,
  Keys,
  OneDelivery,
  Secrets,
  Self,
} from "../answers.ts"
import { NewKey, NewSecret } from "../bodies.ts"
import type { Routes } from "../operation.ts"

const json = "application/json"

export const accessRoutes: Routes = {
  "/v1/keys": {
    post: {
      operationId: "issueKey",
      summary: "Issues a key",
      description: "The key is told this once; its digest alone is kept.",
      tag: "Keys",
      scope: "admin",
      body: {
        schema: NewKey,
        examples: {
          tenant: {
            summary: "For one organization",
            value: { name: "web shop", organizationId: "org-123", scopes: ["enqueue", "read", "cancel"] },
          },
          bounded: {
            summary: "With bounds",
            value: {
              name: "reports",
              organizationId: "org-123",
              scopes: ["enqueue", "read"],
              expiresAt: 4_102_444_800_000,
              maxPriority: "normal",
              ratePerMinute: 60,
            },
          },
        },
      },
      answers: { 201: { description: "The key.", content: { [json]: IssuedKey } } },
    },
    get: {
      operationId: "listKeys",
      summary: "Lists keys, newest first",
      tag: "Keys",
      scope: "admin",
      answers: { 200: { description: "All of them.", content: { [json]: Keys } } },
    },
  },
  "/v1/keys/{keyId}": {
    delete: {
      operationId: "revokeKey",
      summary: "Revokes a key",
      description: "It stops working within 30 s.",
      tag: "Keys",
      scope: "admin",
      answers: { 204: { description: "It is revoked." } },
      refusals: [404],
    },
  },
  "/v1/self": {
    get: {
      operationId: "getSelf",
      summary: "Tells what the key of the call may do",
      description: "`organizationId` is `*` for a key for all organizations.",
      tag: "Keys",
      scope: "any",
      answers: { 200: { description: "It is a key.", content: { [json]: Self } } },
    },
  },
  "/v1/audit": {
    get: {
      operationId: "listAudit",
      summary: "Tells who did what, newest first",
      tag: "Keys",
      scope: "admin",
      query: AuditQuery,
      answers: { 200: { description: "A page.", content: { [json]: AuditPage } } },
    },
  },
  "/v1/webhook-secrets": {
    post: {
      operationId: "issueWebhookSecret",
      summary: "Makes the secret that signs an organization's webhooks",
      description:
        "Told this once. The one before it signs beside it for a day. Needs the scope `enqueue`; `admin` with a key for all organizations.",
      tag: "Webhooks",
      scope: "any",
      body: {
        schema: NewSecret,
        isOptional: true,
        examples: { one: { summary: "For one organization", value: { organizationId: "org-123" } } },
      },
      answers: { 201: { description: "The secret.", content: { [json]: IssuedSecret } } },
      refusals: [403],
    },
    get: {
      operationId: "listWebhookSecrets",
      summary: "Lists webhook secrets",
      tag: "Webhooks",
      scope: "any",
      query: WebhookSecretsQuery,
      answers: {
        200: { description: "All of them, without the secrets themselves.", content: { [json]: Secrets } },
      },
      refusals: [403],
    },
  },
  "/v1/webhook-secrets/{secretId}": {
    delete: {
      operationId: "endWebhookSecret",
      summary: "Ends a webhook secret",
      tag: "Webhooks",
      scope: "any",
      answers: { 204: { description: "It signs no more." } },
      refusals: [403, 404],
    },
  },
  "/v1/deliveries": {
    get: {
      operationId: "listDeliveries",
      summary: "Tells what became of callbacks, newest first",
      tag: "Webhooks",
      scope: "read",
      query: DeliveriesQuery,
      tryWith: { organizationId: "org-123" },
      answers: { 200: { description: "A page.", content: { [json]: DeliveryPage } } },
    },
  },
  "/v1/deliveries/{deliveryId}": {
    get: {
      operationId: "getDelivery",
      summary: "Tells all of a delivery",
      tag: "Webhooks",
      scope: "read",
      answers: { 200: { description: "The delivery.", content: { [json]: OneDelivery } } },
      refusals: [404],
    },
  },
  "/v1/deliveries/{deliveryId}/redeliver": {
    post: {
      operationId: "redeliver",
      summary: "Tells the receiver once more",
      tag: "Webhooks",
      scope: "enqueue",
      answers: { 202: { description: "It will be told.", content: { [json]: OneDelivery } } },
      refusals: [404, 409],
    },
  },
}
