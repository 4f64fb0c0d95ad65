import type * as z from "zod/mini"
import type { Scope } from "../../../src/core/contracts/access.ts"
import { AlertsBody } from "../../../src/core/contracts/alerts.ts"
import { KeyBody } from "../../../src/core/contracts/keys.ts"
import { LimitsBody } from "../../../src/core/contracts/limits.ts"
import { NewRequestBody } from "../../../src/core/contracts/new-request.ts"
import {
  AuditQuery,
  CleanupBody,
  CleanupQuery,
  ListQuery,
  ReplayBody,
  StatusQuery,
  WeightBody,
} from "../../../src/core/contracts/parameters.ts"
import {
  DeliveriesQuery,
  WebhookSecretBody,
  WebhookSecretsQuery,
} from "../../../src/core/contracts/webhooks.ts"
import { VENDOR_OPERATIONS } from "./vendor-operations.ts"

type Schema = z.core.$ZodType

/** One method of one path. `{…}` in the path is filled in. */
export interface Operation {
  method: "GET" | "POST" | "PATCH" | "DELETE"
  path: string
  /** What a key must be allowed to do; `any`: whatever it is allowed to; null: no key is asked for. */
  scope: Scope | "any" | null
  /** What an organization's own key needs instead. */
  tenantScope?: Scope
  headers?: Record<string, string>
  query?: Schema
  body?: Body
  /** Ids that an answer with a success brings, by their names in paths: where they stand in it. */
  gives?: Partial<Record<IdName, string>>
  /** It changes nothing that is stored. */
  reads?: boolean
  /** What it had stored before it refused it takes back, perhaps after its answer. */
  takesBack?: boolean
  /** It goes on after its answer. */
  goesOn?: boolean
}

interface Body {
  schema: Schema
  isOptional?: boolean
  isBulk?: boolean
  /** In its texts, `{…}` is filled in as in paths. */
  least: Record<string, unknown>
  /** A form, with this member as its file. */
  file?: string
  /** It is enqueued, and these of its members are stored as they were sent. */
  kept?: string[] | "all"
}

export const ID_NAMES = [
  ...(["requestId", "keyId", "secretId", "deliveryId", "fileId", "uploadId", "partId"] as const),
  ...(["batchId", "messageBatchId"] as const),
]
export type IdName = (typeof ID_NAMES)[number]

export const CHAT = {
  provider: "openai",
  model: "gpt-5",
  messages: [{ role: "user", content: "Say hello." }],
  organizationId: "org-1",
}
const chat = { schema: NewRequestBody, least: CHAT, kept: "all" } as const
const oneRequest = "/v1/requests/{requestId}"

/** Every operation of the API, with the schemas that the code itself reads bodies and queries by. */
export const OPERATIONS: Operation[] = [
  {
    ...{ method: "POST", path: "/v1/requests", scope: "enqueue" },
    body: chat,
    gives: { requestId: "requestId" },
  },
  { method: "POST", path: "/v1/requests/bulk", scope: "enqueue", body: { ...chat, isBulk: true } },
  { method: "GET", path: "/v1/requests", scope: "read", query: ListQuery, reads: true },
  { method: "GET", path: oneRequest, scope: "read", query: StatusQuery, reads: true },
  { method: "GET", path: `${oneRequest}/events`, scope: "read" },
  { method: "DELETE", path: oneRequest, scope: "cancel" },
  {
    ...{ method: "POST", path: `${oneRequest}/replay`, scope: "enqueue" },
    body: { schema: ReplayBody, isOptional: true, least: {} },
  },
  { method: "GET", path: "/v1/stats", scope: "read", reads: true },
  { method: "GET", path: "/v1/pulse", scope: "read", reads: true },
  { method: "GET", path: "/v1/alerts", scope: "read", reads: true },
  {
    ...{ method: "PATCH", path: "/v1/alerts", scope: "admin" },
    body: { schema: AlertsBody, least: { remindHours: 1 } },
  },
  { method: "POST", path: "/v1/alerts/test", scope: "admin" },
  { method: "GET", path: "/metrics", scope: "read", reads: true },
  { method: "GET", path: "/v1/health", scope: null, reads: true },
  {
    ...{ method: "POST", path: "/v1/cleanup", scope: "admin" },
    body: { schema: CleanupBody, isOptional: true, least: {} },
  },
  { method: "POST", path: "/v1/queue/pause", scope: "admin" },
  { method: "POST", path: "/v1/queue/resume", scope: "admin" },
  { method: "GET", path: "/v1/providers", scope: "read", reads: true },
  {
    ...{ method: "PATCH", path: "/v1/providers/{provider}", scope: "admin" },
    body: { schema: LimitsBody, least: { rpm: 600 } },
  },
  { method: "POST", path: "/v1/providers/{provider}/pause", scope: "admin" },
  { method: "POST", path: "/v1/providers/{provider}/resume", scope: "admin" },
  {
    ...{ method: "PATCH", path: "/v1/organizations/{organizationId}", scope: "admin" },
    body: { schema: WeightBody, least: { weight: 2 } },
  },
  {
    ...{ method: "POST", path: "/v1/keys", scope: "admin" },
    gives: { keyId: "keyId" },
    body: { schema: KeyBody, least: { name: "a key", organizationId: "org-1", scopes: ["read"] } },
  },
  { method: "GET", path: "/v1/keys", scope: "admin", reads: true },
  { method: "DELETE", path: "/v1/keys/{keyId}", scope: "admin" },
  { method: "GET", path: "/v1/audit", scope: "admin", query: AuditQuery, reads: true },
  {
    ...{ method: "POST", path: "/v1/webhook-secrets", scope: "admin", tenantScope: "enqueue" },
    gives: { secretId: "secretId" },
    body: { schema: WebhookSecretBody, isOptional: true, least: { organizationId: "org-1" } },
  },
  {
    ...{ method: "GET", path: "/v1/webhook-secrets", scope: "admin", tenantScope: "enqueue", reads: true },
    query: WebhookSecretsQuery,
  },
  {
    ...{ method: "DELETE", path: "/v1/webhook-secrets/{secretId}", scope: "admin", tenantScope: "enqueue" },
  },
  { method: "GET", path: "/v1/deliveries", scope: "read", query: DeliveriesQuery, reads: true },
  { method: "GET", path: "/v1/deliveries/{deliveryId}", scope: "read", reads: true },
  { method: "POST", path: "/v1/deliveries/{deliveryId}/redeliver", scope: "enqueue" },
  {
    ...{ method: "POST", path: "/api/ai/queue", scope: "enqueue" },
    body: chat,
    gives: { requestId: "requestId" },
  },
  { method: "GET", path: "/api/ai/queue?action=stats", scope: "read", reads: true },
  { method: "GET", path: "/api/ai/queue?action=status&requestId={requestId}", scope: "read", reads: true },
  { method: "GET", path: "/api/ai/queue?action=cleanup", scope: "admin", query: CleanupQuery },
  { method: "DELETE", path: "/api/ai/queue?requestId={requestId}", scope: "cancel" },
  ...VENDOR_OPERATIONS,
]

export function nameOf({ method, path }: Operation): string {
  return `${method} ${path}`
}

export const OPERATION_BY_NAME = new Map(OPERATIONS.map((operation) => [nameOf(operation), operation]))

/** The path with each `{name}` replaced. */
export function fill(path: string, values: Record<string, string>): string {
  return path.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}
