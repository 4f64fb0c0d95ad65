import { requireScope } from "../auth/principal.ts"
import { RateLimited, type RateState } from "../auth/rate.ts"
import { ORGANIZATION_ID, ORGANIZATION_ID_RULE, type Scope } from "../core/contracts/access.ts"
import { AppError } from "../core/errors.ts"
import type { App, AppContext, Services } from "./context.ts"
import { isCompatible } from "./dialect.ts"

type Method = "GET" | "POST" | "PATCH" | "DELETE"

interface Operation {
  /** What the key must be allowed to do; `any`: the handler decides; `public`: no key is asked for. */
  scope: Scope | "any" | "public"
  handle: (c: AppContext) => Response | Promise<Response>
}

/**
 * Serves the methods of one path. Others answer 405, before any key is asked for; OPTIONS tells which there are,
 * and HEAD is served as GET.
 */
export function resource(app: App, path: string, operations: Partial<Record<Method, Operation>>): void {
  for (const [method, { scope, handle }] of Object.entries(operations)) {
    app.on(method, path, async (c) => {
      if (scope !== "public") await admit(c, scope)
      return handle(c)
    })
  }
  const methods = Object.keys(operations)
  const allow = [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ")
  app.all(path, (c) => {
    c.header("Allow", allow)
    if (c.req.method === "OPTIONS") return c.body(null, 204)
    throw new AppError(
      "method_not_allowed",
      `${c.req.method} is not allowed here: use ${methods.join(" or ")}.`,
    )
  })
}

/** Throws `unauthorized` without a known key, `rate_limited`, or `forbidden` without the scope. */
async function admit(c: AppContext, scope: Scope | "any"): Promise<void> {
  const { authenticate, limitRate, auditor } = servicesOf(c)
  const principal = await authenticate(authorizationOf(c))
  if (principal === null) {
    auditor.noteRefusal(c)
    throw new AppError("unauthorized", "A valid key is needed: Authorization: Bearer <key>.")
  }
  tellRate(
    c,
    await limitRate(principal).catch((error: unknown) => {
      if (error instanceof RateLimited) tellRate(c, error.rate)
      throw error
    }),
  )
  if (scope !== "any") requireScope(principal, scope)
  c.set("principal", principal)
}

/** The headers of draft-ietf-httpapi-ratelimit-headers: what the key may do, and what is left of it. */
function tellRate(c: AppContext, rate: RateState | null): void {
  if (rate === null) return
  c.header("RateLimit-Policy", `"key";q=${rate.limit};w=60`)
  c.header("RateLimit", `"key";r=${rate.remaining};t=${rate.resetSeconds}`)
}

/** Vendors' clients may send the key in a header of their own. */
function authorizationOf(c: AppContext): string | undefined {
  const key = isCompatible(c) ? c.req.header("x-api-key") : undefined
  return key === undefined ? c.req.header("Authorization") : `Bearer ${key}`
}

/**
 * On the compatible routes, whose bodies have no member for it: the key's organization, of a key for all the one that
 * the header names, else `default`. Throws `invalid_request` for a name that can be none.
 */
export function organizationOf(c: AppContext): string {
  const { organizationId } = c.get("principal")
  if (organizationId !== "*") return organizationId
  const named = c.req.header("OpenAI-Organization") || "default"
  if (ORGANIZATION_ID.test(named)) return named
  throw new AppError("invalid_request", `The header OpenAI-Organization ${ORGANIZATION_ID_RULE}.`)
}

/** Throws `not_configured` when the settings are bad. */
export function servicesOf(c: AppContext): Services {
  const { services } = c.get("composition")
  if (services === null) {
    throw new AppError("not_configured", "A setting is missing or wrong: the log names it.", {
      retryAfterSeconds: 60,
    })
  }
  return services
}

/** Keeps a Worker alive until the work is done; elsewhere there is no such context, and nothing ends the process. */
export function afterAnswer(c: AppContext, work: Promise<unknown>): void {
  try {
    c.executionCtx.waitUntil(work)
  } catch {}
}

/** The work, which goes on when its caller leaves: what it has begun to store it ends, or takes back. */
export function outlivingCaller<Result>(c: AppContext, work: Promise<Result>): Promise<Result> {
  afterAnswer(
    c,
    work.catch(() => undefined),
  )
  return work
}

/** What was told of requests goes to the collector, after the answer. */
export function sendSpans(c: AppContext): void {
  const { tracing } = servicesOf(c)
  if (tracing !== null) afterAnswer(c, tracing.flushSoon())
}

/** Something may be there to be claimed at that instant, by default now. The answer does not wait for it. */
export function wakeLanes(c: AppContext, at = 0): void {
  afterAnswer(c, servicesOf(c).lanes.wake(at))
}
