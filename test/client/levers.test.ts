import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { AIRequestQueueClient, type AuditEntry } from "../../src/client/client.ts"
import { eventually } from "../helpers/eventually.ts"
import { type Receiver, startReceiver } from "../webhooks/receiver.ts"
import { ADMIN_KEY, type ServedQueue, serveQueue } from "./served-queue.ts"

vi.setConfig({ testTimeout: 60_000 })

let queue: ServedQueue
let client: AIRequestQueueClient
let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
  queue = await serveQueue({ WEBHOOK_ALLOW_PRIVATE: "1" })
  client = new AIRequestQueueClient({ url: queue.url, apiKey: ADMIN_KEY })
  vi.spyOn(console, "log").mockImplementation(() => undefined)
})
afterEach(() => queue.reset())
afterAll(async () => {
  vi.restoreAllMocks()
  await queue.close()
  await receiver.close()
})

const chat = { model: "a-model", messages: [{ role: "user" as const, content: "Hello" }] }

describe("levers", () => {
  it("hold the queue and a provider back, and let them go on", async () => {
    const { requestId } = await client.enqueue({ ...chat, provider: "openai", organizationId: "paused" })
    expect(await client.levers.pauseQueue()).toMatchObject({ paused: true })
    await queue.tick()
    expect(await client.status(requestId)).toMatchObject({ state: "pending" })
    expect(await client.levers.pauseProvider("openai")).toEqual({ name: "openai", paused: true })
    expect(await client.levers.resumeQueue()).toMatchObject({ paused: false })
    await queue.tick()
    expect(await client.status(requestId)).toMatchObject({ state: "pending" })
    expect(await client.levers.resumeProvider("openai")).toEqual({ name: "openai", paused: false })
    await queue.tick()
    expect(await client.status(requestId)).toMatchObject({ state: "completed" })
    await expect(client.levers.pauseProvider("no/body")).rejects.toMatchObject({ code: "not_found" })
  })

  it("change limits and shares, also when an answer is lost", async () => {
    let lost = 0
    queue.interfere = () => (lost++ === 0 ? "lose" : undefined)
    expect(await client.levers.setLimits("openai", { rpm: 6000 })).toMatchObject({
      name: "openai",
      rpm: 6000,
    })
    expect(queue.exchanges.map(({ method }) => method)).toEqual(["PATCH", "PATCH"])
    expect(await client.levers.setLimits("openai", { rpm: null })).toMatchObject({ rpm: null })
    expect(await client.levers.setWeight("org-a", 2.5)).toEqual({ organizationId: "org-a", weight: 2.5 })
    await expect(client.levers.setWeight("org-a", 0)).rejects.toMatchObject({ code: "invalid_request" })
  })

  it("clean up what is older than that", async () => {
    const { requestId } = await client.enqueue({ ...chat, provider: "openai", organizationId: "old" })
    await queue.tick()
    expect(await client.levers.cleanUp()).toEqual({ completed: 0, failed: 0, cancelled: 0 })
    const removed = await client.levers.cleanUp({ olderThanSeconds: 0 })
    expect(removed.completed).toBeGreaterThan(0)
    expect(await client.status(requestId)).toBeNull()
  })
})

describe("the audit", () => {
  it("tells who pulled them, page by page", async () => {
    for (let i = 0; i < 3; i++) await client.levers.setWeight(`org-${i}`, 2)
    const entries: AuditEntry[] = []
    for await (const entry of client.audit.list()) entries.push(entry)
    expect(entries.length).toBeGreaterThan(3)
    expect(entries[0]).toMatchObject({ action: "organization.weight_changed", target: "org-2" })
    const page = await client.audit.listPage({ limit: 2 })
    expect(page.data).toEqual(entries.slice(0, 2))
    expect((await client.audit.listPage({ limit: 1, cursor: page.nextCursor ?? "" })).data).toEqual([
      entries[2],
    ])
  })
})

describe("deliveries", () => {
  it("are listed, read and made once more", async () => {
    const { requestId } = await client.enqueue({
      ...{ ...chat, provider: "openai", organizationId: "told" },
      callback: { url: `${receiver.url}/hook` },
    })
    const stop = queue.runCron()
    await eventually(
      async () => (await client.deliveries.listPage({ requestId })).data[0]?.state === "delivered",
    )
    const [delivery] = (await client.deliveries.listPage({ organizationId: "told", limit: 5 })).data
    const deliveryId = delivery?.deliveryId ?? ""
    expect(await client.deliveries.get(deliveryId)).toMatchObject({ requestId, type: "request.completed" })
    expect(await client.deliveries.redeliver(deliveryId)).toMatchObject({ deliveryId, state: "pending" })
    await eventually(async () => (await client.deliveries.get(deliveryId)).attempts.length === 2)
    await stop()
    const told: string[] = []
    for await (const each of client.deliveries.list({ organizationId: "told", state: "delivered" }))
      told.push(each.deliveryId)
    expect(told).toEqual([deliveryId])
    await expect(client.deliveries.get("msg_none")).rejects.toMatchObject({ code: "not_found" })
  })
})
