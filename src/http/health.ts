import { isOperator } from "../auth/principal.ts"
import type { RequestQueue } from "../queue/contract.ts"
import type { QueueHealth } from "../queue/figures-contract.ts"
import type { App, AppContext, Services } from "./context.ts"
import { resource } from "./resource.ts"

/** Anyone may ask, so asking must not load the store. */
const FRESH_MS = 5000

const lastReadings = new WeakMap<RequestQueue, { health: QueueHealth; readAt: number }>()

export function mountHealth(app: App): void {
  resource(app, "/v1/health", { GET: { scope: "public", handle: getHealth } })
}

async function getHealth(c: AppContext): Promise<Response> {
  const { services, problems } = c.get("composition")
  if (services === null) {
    // Without a store nothing works at all; otherwise what is stored is safe, but is not drained.
    const isDown = problems.some(({ variable }) => variable.startsWith("UPSTASH_"))
    return isDown ? c.json({ status: "down" }, 503) : c.json({ status: "degraded" })
  }
  const { status, ...details } = await readHealth(services)
  const code = status === "down" ? 503 : 200
  const principal = await services.authenticate(c.req.header("Authorization"))
  if (principal === null || !isOperator(principal)) return c.json({ status }, code)
  return c.json({ status, ...details, version: services.version }, code)
}

async function readHealth({ queue, clock }: Services): Promise<QueueHealth> {
  const last = lastReadings.get(queue)
  if (last !== undefined && clock() - last.readAt < FRESH_MS) return last.health
  const health = await queue.health()
  lastReadings.set(queue, { health, readAt: clock() })
  return health
}
