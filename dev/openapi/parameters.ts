import type { JsonSchema } from "./components.ts"

/** Headers that calls may have. */
const HEADER_PARAMETERS = {
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description:
      "Of callers that may have to repeat themselves: within 24 h the same key and body get the first answer again.",
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
  Traceparent: {
    name: "traceparent",
    in: "header",
    description:
      "Of W3C's Trace Context: what becomes of the request goes on with this trace. One that is not valid is ignored.",
    schema: { type: "string" },
    example: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  },
  Prefer: {
    name: "Prefer",
    in: "header",
    description: "`wait=<seconds>`: the answer may take so long, at most 60.",
    schema: { type: "string" },
    example: "wait=30",
  },
  PreferAsync: {
    name: "Prefer",
    in: "header",
    description: "`respond-async`: 202 with the request, instead of its answer later.",
    schema: { type: "string" },
  },
  LastEventId: {
    name: "Last-Event-ID",
    in: "header",
    description: "The id of the last event that arrived: the stream goes on behind it.",
    schema: { type: "string" },
  },
  Organization: {
    name: "OpenAI-Organization",
    in: "header",
    description: "With a key for all organizations: which one; else `default`.",
    schema: { type: "string", pattern: "^[A-Za-z0-9._-]{1,64}$" },
  },
  QueuePriority: {
    name: "X-Queue-Priority",
    in: "header",
    schema: { type: "string", enum: ["critical", "high", "normal", "low"], default: "normal" },
  },
  QueueTimeout: {
    name: "X-Queue-Timeout",
    in: "header",
    description: "Bounds one attempt, ms.",
    schema: { type: "integer", minimum: 1000, maximum: 600_000 },
  },
  QueueRequestId: {
    name: "X-Queue-Request-Id",
    in: "header",
    description: "A fresh id for the request, by which it can be found while its answer is waited for.",
    schema: { type: "string", pattern: "^req_[0-9a-hjkmnp-tv-z]{23}$" },
  },
} as const

export type ParameterName = keyof typeof HEADER_PARAMETERS

const PATH_PARAMETERS: Record<string, string> = {
  requestId: "Of a request.",
  deliveryId: "Of a delivery; also the `webhook-id` that its receiver is told.",
  keyId: "Of an issued key; not the key itself.",
  secretId: "Of a webhook secret; not the secret itself.",
  name: "Of a configured provider.",
  organizationId: "Of an organization.",
  model: "A model's name, which may hold slashes.",
  responseId: "Of a response.",
  fileId: "Of a file.",
  uploadId: "Of an upload.",
  batchId: "Of a batch.",
}

export const PARAMETERS = {
  all: HEADER_PARAMETERS,
  /** Throws for a name that has no description yet. */
  path(name: string): JsonSchema {
    const description = PATH_PARAMETERS[name]
    if (description === undefined) throw new Error(`dev/openapi/parameters.ts does not know {${name}}`)
    return { name, in: "path", required: true, description, schema: { type: "string" } }
  },
}
