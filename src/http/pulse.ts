import { tenantOf } from "../auth/principal.ts"
import { AppError } from "../core/errors.ts"
import type { App, AppContext } from "./context.ts"
import { resource, servicesOf } from "./resource.ts"

/** How the queue is doing right now: what operators look at every few seconds. */
export function mountPulse(app: App): void {
  resource(app, "/v1/pulse", { GET: { scope: "read", handle: readPulse } })
}

async function readPulse(c: AppContext): Promise<Response> {
  if (tenantOf(c.get("principal")) !== null) {
    throw new AppError("forbidden", "It tells of all organizations: this needs a key for all of them.")
  }
  return c.json(await servicesOf(c).queue.pulse())
}
