import { createApp } from "../../../src/http/app.ts"
import type { Services } from "../../../src/http/context.ts"
import type { Ask, Scene } from "../../drain/scene.ts"
import { documented } from "../../helpers/documented.ts"
import { eventually } from "../../helpers/eventually.ts"
import { ADMIN_KEY, composeServices } from "../server.ts"

/** What becomes of these is all that can become of a request. */
const ASKS: Ask[] = [
  { text: "completes" },
  { text: "completes too", provider: "anthropic", priority: "high" },
  { text: "[[sim: error=unavailable times=1]] completes in the end" },
  { text: "[[sim: error=rejected]]" },
  { text: "falls back", fallbacks: [{ provider: "anthropic", model: "claude" }] },
]

/** A queue in which everything has happened, and some of it is still going on. */
export async function makeBusy({ queue, enqueue, drain, states }: Scene): Promise<void> {
  const ids = await enqueue(...ASKS)
  const [later = ""] = await enqueue(
    { text: "is cancelled", scheduledAt: 9e12 },
    { text: "later", scheduledAt: 9e12 },
  )
  await queue.cancel(later, null)
  await eventually(async () => {
    await drain("lane-0:1")
    return (await states(ids)).every((state) => state === "completed" || state === "failed")
  })
  await queue.setPaused("deepseek", true)
  await enqueue({ text: "waits", provider: "deepseek", priority: "low" }, { text: "waits as well" })
}

type Get = (key: string, accept?: string) => Promise<Response>

/** `GET /metrics` of the scene's queue, and a way to issue keys. A service of its own each time: no key is in its cache. */
export function openMetrics({ store, config, queue }: Scene): {
  get: Get
  issueKey: (key: object) => Promise<string>
} {
  const services = (): Services => ({ ...composeServices(store, config.queueName), config, queue })
  const send = async (method: string, path: string, headers: Record<string, string>, body?: object) => {
    const app = createApp(() => ({ services: services(), problems: [] }))
    const answer = await app.request(path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    return documented({ method, path, body }, answer)
  }
  return {
    get: (key, accept) =>
      send("GET", "/metrics", {
        authorization: `Bearer ${key}`,
        ...(accept === undefined ? {} : { accept }),
      }),
    issueKey: async (fields) => {
      const headers = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" }
      const answer = await send("POST", "/v1/keys", headers, { name: "metrics", ...fields })
      return ((await answer.json()) as { key: string }).key
    },
  }
}

export const READ_ALL = { organizationId: "*", scopes: ["read"] }
