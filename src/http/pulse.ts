import { requireEveryOrganization } from "../auth/principal.ts"
import type { App, AppContext } from "./context.ts"
import { resource, servicesOf } from "./resource.ts"

/** How the queue is doing right now: what operators look at every few seconds. */
export function mountPulse(app: App): void {
  resource(app, "/v1/pulse", { GET: { scope: "read", handle: readPulse } })
}

async function readPulse(c: AppContext): Promise<Response> {
  requireEveryOrganization(c.get("principal"))
  return c.json(await servicesOf(c).queue.pulse())
}
