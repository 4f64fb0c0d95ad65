import { BOOTSTRAP, requireEveryOrganization } from "../auth/principal.ts"
import { AppError } from "../core/errors.ts"
import type { App, AppContext } from "./context.ts"
import { familiesOf } from "./metric-families.ts"
import { writeMetrics } from "./open-metrics.ts"
import { resource, servicesOf } from "./resource.ts"

/** What a system that collects metrics reads, once a minute or so. */
export function mountMetrics(app: App): void {
  resource(app, "/metrics", { GET: { scope: "read", handle: getMetrics } })
}

async function getMetrics(c: AppContext): Promise<Response> {
  const principal = c.get("principal")
  if (principal.keyId === BOOTSTRAP.keyId) {
    throw new AppError(
      "forbidden",
      'ADMIN_API_KEY must not stand where metrics are collected: issue a key for that by POST /v1/keys with {"name": "metrics", "organizationId": "*", "scopes": ["read"]}.',
    )
  }
  requireEveryOrganization(principal)
  const { queue, version } = servicesOf(c)
  const families = familiesOf(await queue.figures(), version)
  const { type, text } = writeMetrics(families, c.req.header("Accept") ?? "")
  return c.body(text, 200, { "Content-Type": type })
}
