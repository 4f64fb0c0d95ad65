import type { MiddlewareHandler } from "hono"
import type { AppEnv } from "./context.ts"

const METHODS = "GET, HEAD, POST, PATCH, DELETE"
const HEADERS =
  "Authorization, Content-Type, Idempotency-Key, X-Request-Id, Prefer, Last-Event-ID, traceparent, x-api-key, X-Queue-Priority, X-Queue-Timeout, OpenAI-Organization"
/** Vendors' SDKs obey `X-Should-Retry`, in pages too: one that cannot read it tries again what was paid for. */
const EXPOSED =
  "Location, Retry-After, X-Request-Id, Idempotency-Replayed, RateLimit, RateLimit-Policy, Preference-Applied, X-Queue-Request-Id, X-Should-Retry, Request-Id"
const MAX_AGE_SECONDS = "600"

/** Lets pages of `CORS_ORIGINS` call: answers, errors and preflights alike. Others get no header at all. */
export const cors: MiddlewareHandler<AppEnv> = async (c, next) => {
  const origins = c.get("composition").services?.config.corsOrigins ?? []
  const origin = c.req.header("Origin")
  if (origins.length > 0) c.header("Vary", "Origin")
  if (origin !== undefined && (origins.includes(origin) || origins.includes("*"))) {
    c.header("Access-Control-Allow-Origin", origin)
    c.header("Access-Control-Expose-Headers", EXPOSED)
    if (c.req.header("Access-Control-Request-Method") !== undefined) {
      c.header("Access-Control-Allow-Methods", METHODS)
      // SDKs send many of their own, and more with each version; all of them are ignored.
      c.header("Access-Control-Allow-Headers", c.req.header("Access-Control-Request-Headers") || HEADERS)
      c.header("Access-Control-Max-Age", MAX_AGE_SECONDS)
    }
  }
  await next()
}
