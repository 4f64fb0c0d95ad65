import type * as z from "zod/mini"
import type { Scope } from "../../../src/core/contracts/access.ts"
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

type Schema = z.core.$ZodType

/** One method of one path. `{…}` in the path is filled in. */
export interface Operation {
  method: "GET" | "POST" | "PATCH" | "DELETE"
  path: string
  /** What a key must be allowed to do; null: no key is asked for. */
  scope: Scope | null
  query?: Schema
  body?: { schema: Schema; isOptional?: boolean; isBulk?: boolean; least: Record<string, unknown> }
  /** It changes nothing that is stored. */
  reads?: boolean
}

export const CHAT = {
  provider: "openai",
  model: "gpt-5",
  messages: [{ role: "user", content: "Say hello." }],
  organizationId: "org-1",
}
const chat = { schema: NewRequestBody, least: CHAT }
const oneRequest = "/v1/requests/{requestId}"

/** Every operation of the API, with the schemas that the code itself reads bodies and queries by. */
export const OPERATIONS: Operation[] = [
  { method: "POST", path: "/v1/requests", scope: "enqueue", body: chat },
  { method: "POST", path: "/v1/requests/bulk", scope: "enqueue", body: { ...chat, isBulk: true } },
  { method: "GET", path: "/v1/requests", scope: "read", query: ListQuery, reads: true },
  { method: "GET", path: oneRequest, scope: "read", query: StatusQuery, reads: true },
  { method: "DELETE", path: oneRequest, scope: "cancel" },
  {
    ...{ method: "POST", path: `${oneRequest}/replay`, scope: "enqueue" },
    body: { schema: ReplayBody, isOptional: true, least: {} },
  },
  { method: "GET", path: "/v1/stats", scope: "read", reads: true },
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
    body: { schema: KeyBody, least: { name: "a key", organizationId: "org-1", scopes: ["read"] } },
  },
  { method: "GET", path: "/v1/keys", scope: "admin", reads: true },
  { method: "DELETE", path: "/v1/keys/{keyId}", scope: "admin" },
  { method: "GET", path: "/v1/audit", scope: "admin", query: AuditQuery, reads: true },
  { method: "POST", path: "/api/ai/queue", scope: "enqueue", body: chat },
  { method: "GET", path: "/api/ai/queue?action=stats", scope: "read", reads: true },
  { method: "GET", path: "/api/ai/queue?action=status&requestId={requestId}", scope: "read", reads: true },
  { method: "GET", path: "/api/ai/queue?action=cleanup", scope: "admin", query: CleanupQuery },
  { method: "DELETE", path: "/api/ai/queue?requestId={requestId}", scope: "cancel" },
]

export function nameOf({ method, path }: Operation): string {
  return `${method} ${path}`
}

export const OPERATION_BY_NAME = new Map(OPERATIONS.map((operation) => [nameOf(operation), operation]))

/** The path with each `{name}` replaced. */
export function fill(path: string, values: Record<string, string>): string {
  return path.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}
