import { auditEntry } from "./audit.ts"
import type { App, AppContext } from "./context.ts"
import { requireProvider } from "./providers.ts"
import { resource, servicesOf, wakeLanes } from "./resource.ts"

/** Pausing the queue or a provider, and resuming; what is in flight finishes. */
export function mountPause(app: App): void {
  for (const [verb, paused] of [
    ["pause", true],
    ["resume", false],
  ] as const) {
    resource(app, `/v1/queue/${verb}`, { POST: { scope: "admin", handle: (c) => pauseQueue(c, paused) } })
    resource(app, `/v1/providers/:name/${verb}`, {
      POST: { scope: "admin", handle: (c) => pauseProvider(c, paused) },
    })
  }
}

async function pauseQueue(c: AppContext, paused: boolean): Promise<Response> {
  const { queue, config } = servicesOf(c)
  await queue.setPaused(null, paused, auditEntry(c, paused ? "queue.paused" : "queue.resumed", null))
  if (!paused) wakeLanes(c)
  return c.json({ name: config.queueName, paused })
}

async function pauseProvider(c: AppContext, paused: boolean): Promise<Response> {
  const name = requireProvider(c)
  await servicesOf(c).queue.setPaused(
    name,
    paused,
    auditEntry(c, paused ? "provider.paused" : "provider.resumed", name),
  )
  if (!paused) wakeLanes(c)
  return c.json({ name, paused })
}
