import type { JsonSchema } from "./components.ts"

interface Header {
  description: string
  schema: JsonSchema
  required?: true
}

const text = { type: "string" }

/** The headers that answers may have, beside those of HTTP itself and of CORS. */
export const HEADERS = {
  "X-Request-Id": {
    description: "Of this exchange; a caller's own is kept.",
    schema: text,
    required: true,
  },
  "Cache-Control": { description: "Nothing may be kept by what lies between.", schema: text, required: true },
  "RateLimit-Policy": {
    description:
      'Of a key with a rate: how many calls it may make per window of so many seconds, such as `"key";q=60;w=60`.',
    schema: text,
  },
  RateLimit: {
    description:
      'Of a key with a rate: what is left, and in how many seconds all is there again, such as `"key";r=59;t=42`.',
    schema: text,
  },
  Location: { description: "Where the request can be read.", schema: text, required: true },
  "Retry-After": {
    description: "When to come again, seconds.",
    schema: { type: "string", pattern: "^\\d+$" },
  },
  "Idempotency-Replayed": {
    description: "This is the first answer to this `Idempotency-Key`, again.",
    schema: { type: "string", enum: ["true"] },
  },
  "Preference-Applied": { description: "What of `Prefer` was followed.", schema: text },
  "X-Queue-Request-Id": {
    description: "The request behind this answer: `GET /v1/requests/{requestId}`.",
    schema: text,
  },
  "X-Should-Retry": {
    description: "`false`: the queue has tried as often as makes sense; the vendors' clients honour it.",
    schema: { type: "string", enum: ["false"] },
  },
  "X-Accel-Buffering": { description: "Keeps proxies from gathering events.", schema: text },
  "Request-Id": {
    description: "The request behind this answer, where Anthropic's SDK looks for it.",
    schema: text,
  },
  "WWW-Authenticate": { description: "`Bearer`.", schema: text, required: true },
  "Content-Disposition": { description: "The file's name.", schema: text, required: true },
  Allow: { description: "The methods that there are.", schema: text, required: true },
} satisfies Record<string, Header>

export type HeaderName = keyof typeof HEADERS

export type HeaderUse = Record<string, Header | { $ref: string }>

/** `required`: these are always there, whatever the header's own rule is. */
export function headers(names: HeaderName[], required: HeaderName[] = []): HeaderUse {
  const entries = [...names, ...required].map((name): [string, Header | { $ref: string }] =>
    required.includes(name)
      ? [name, { ...HEADERS[name], required: true }]
      : [name, { $ref: `#/components/headers/${name}` }],
  )
  return Object.fromEntries(entries)
}

/** Of every answer; with a key also what is left of its rate. */
export function usualHeaders(withKey: boolean): HeaderName[] {
  const all: HeaderName[] = ["X-Request-Id", "Cache-Control"]
  return withKey ? [...all, "RateLimit-Policy", "RateLimit"] : all
}
