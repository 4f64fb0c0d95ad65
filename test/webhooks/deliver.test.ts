import { describe, expect, it } from "vitest"
import { completion, settlement, USAGE } from "../helpers/queue.ts"
import { signedBy } from "./receiver.ts"
import { receiver, scene, store } from "./stage.ts"

const HOUR_MS = 3_600_000

const bodies = () => receiver.calls.map(({ body }) => JSON.parse(body))
const ids = () => receiver.calls.map(({ headers }) => headers["webhook-id"])
const url = () => `${receiver.url}/hook?token=tell-nobody`

describe("an event", () => {
  it("tells what came of a request, signed with the organization's secret, and not what was asked", async () => {
    const { secret } = await scene.webhooks.secrets.issue("org-1", "whs_1", null)
    const requestId = await scene.end("completed", url(), { text: "the prompt", metadata: { trace: "abc" } })
    expect(await scene.work()).toEqual([null])
    const [call] = receiver.calls
    if (call === undefined) throw new Error("nothing came")
    expect(call.path).toBe("/hook?token=tell-nobody")
    expect(call.headers).toMatchObject({
      "content-type": "application/json",
      "webhook-id": `msg_${requestId.slice(4)}_completed_0`,
      "user-agent": expect.stringMatching(/^ai-request-queue\//),
    })
    expect(signedBy(secret, call)).toBe(0)
    const now = scene.clock()
    expect(JSON.parse(call.body)).toEqual({
      type: "request.completed",
      timestamp: new Date(now).toISOString(),
      data: {
        ...{ requestId, state: "completed", organizationId: "org-1", provider: "openai", model: "gpt-test" },
        ...{
          priority: "normal",
          metadata: { trace: "abc" },
          simulated: false,
          createdAt: now,
          finishedAt: now,
        },
        ...{ attempts: 1, replays: 0, usage: USAGE, error: null },
      },
    })
  })

  it("holds the whole answer when asked, byte for byte of JSON, and still not the prompt", async () => {
    const requestId = await scene.end("completed", url(), { text: "the prompt", includeResponse: true })
    await scene.work()
    expect(bodies()[0].data.response).toEqual(completion(`answer to ${requestId}`))
    expect(receiver.calls[0]?.body).not.toContain("the prompt")
  })

  it.each(["failed", "cancelled"] as const)("tells of a %s request too", async (state) => {
    await scene.end(state, url())
    await scene.work()
    const [{ type, data }] = bodies()
    expect({ type, state: data.state }).toEqual({ type: `request.${state}`, state })
    expect(data.error?.code ?? null).toBe(state === "failed" ? "provider_unavailable" : null)
  })

  it("comes only of the ends that were asked for", async () => {
    await scene.end("completed", url(), { events: ["request.failed"] })
    await scene.end("cancelled", url(), { events: ["request.failed"] })
    expect(await scene.due()).toEqual([])
    const requestId = await scene.end("failed", url(), { events: ["request.failed"] })
    expect(await scene.due()).toEqual([`delivery|${requestId}|failed|0`])
  })

  it("is another one, under another id, when a replayed request ends again", async () => {
    const requestId = await scene.end("failed", url())
    await scene.work()
    await scene.queue.replay(requestId, null, { deadlineAt: null })
    await scene.queue.settle([settlement(await scene.queue.takeOne(), "failed")])
    await scene.work()
    expect(ids()).toEqual([0, 1].map((replays) => `msg_${requestId.slice(4)}_failed_${replays}`))
    expect(bodies().map(({ data }) => data.replays)).toEqual([0, 1])
  })

  it("is told as it was when the request has gone on since", async () => {
    const requestId = await scene.end("failed", url())
    await scene.queue.replay(requestId, null, { deadlineAt: null })
    expect(await scene.work()).toEqual([null])
    const [{ type, data }] = bodies()
    expect({ type, data }).toMatchObject({
      type: "request.failed",
      data: { state: "failed", replays: 0, error: { code: "provider_unavailable" } },
    })
  })

  it("is told as it was also when a replay has succeeded meanwhile; then both are", async () => {
    const requestId = await scene.end("failed", url(), { includeResponse: true })
    await scene.queue.replay(requestId, null, { deadlineAt: null })
    await scene.queue.settle([settlement(await scene.queue.takeOne(), "completed")])
    await scene.work()
    const told = bodies().map(({ data }) => [data.state, data.attempts, data.error?.code, "response" in data])
    expect(told.sort()).toEqual([
      ["completed", 2, undefined, true],
      ["failed", 1, "provider_unavailable", false],
    ])
  })

  it("of an outcome that nobody keeps any more is not told, and the log says so", async () => {
    const requestId = await scene.end("failed", url())
    await scene.queue.cancel(requestId, null)
    expect(await scene.work()).toEqual([null])
    expect(receiver.calls).toEqual([])
    expect(scene.logged.map(({ event }) => event)).toEqual(["delivery_without_outcome"])
  })
})

describe("a receiver in trouble", () => {
  it("is told again and again under the same id, until it answers 2xx, and what is told is the same", async () => {
    receiver.behave({ status: 500 }, { status: 404 }, { status: 200 })
    const requestId = await scene.end("completed", url(), { includeResponse: true })
    const start = scene.clock()
    expect(await scene.work()).toEqual([start + 5000])
    expect(await scene.stateOf(requestId)).toBe("failed")
    expect(await scene.work()).toEqual([])
    scene.clock.advance(5000)
    expect(await scene.work()).toEqual([start + 35_000])
    scene.clock.advance(30_000)
    expect(await scene.work()).toEqual([null])
    expect(await scene.stateOf(requestId)).toBe("delivered")
    expect(new Set(ids()).size).toBe(1)
    expect(new Set(receiver.calls.map(({ body }) => body)).size).toBe(1)
    expect(receiver.calls.map(({ headers }) => Number(headers["webhook-timestamp"]))).toEqual(
      [start, start + 5000, start + 35_000].map((at) => Math.floor(at / 1000)),
    )
  })

  it("is told what was, also when the outcome has ended since", async () => {
    receiver.behave({ status: 500 }, { status: 200 })
    const requestId = await scene.end("failed", url())
    await scene.work()
    await scene.queue.cancel(requestId, null)
    expect(await scene.queue.status(requestId, null)).toBeNull()
    scene.clock.advance(5000)
    await scene.work()
    expect(await scene.stateOf(requestId)).toBe("delivered")
    expect(bodies()[0]).toEqual(bodies()[1])
  })

  it("is given up after 24 hours, and no chore is left", async () => {
    receiver.behave({ status: 503 })
    const requestId = await scene.end("completed", url())
    const start = scene.clock()
    for (let tries = 0; tries < 40 && (await scene.stateOf(requestId)) !== "exhausted"; tries++) {
      const [next] = await scene.work()
      if (typeof next === "number") scene.clock.set(next)
    }
    expect(scene.clock()).toBe(start + 24 * HOUR_MS)
    expect(receiver.calls).toHaveLength(19)
    const [delivery] = await scene.store.deliveries.ofRequest(requestId)
    expect(delivery).toMatchObject({ state: "exhausted", nextAttemptAt: null })
    expect(delivery?.attempts).toHaveLength(19)
    expect(delivery?.attempts[0]).toMatchObject({ status: 503, error: "status" })
    expect(await scene.due()).toEqual([])
  })

  it("is left alone for as long as it asks", async () => {
    receiver.behave({ status: 429, headers: { "retry-after": "600" } })
    await scene.end("completed", url())
    expect(await scene.work()).toEqual([scene.clock() + 600_000])
    receiver.behave({ status: 500, headers: { "retry-after": "600" } })
    await scene.end("completed", url())
    expect(await scene.work()).toEqual([scene.clock() + 5000])
  })

  it("that redirects is not followed", async () => {
    receiver.behave({ status: 302, headers: { location: `${receiver.url}/elsewhere` } })
    const requestId = await scene.end("completed", url())
    await scene.work()
    expect(receiver.calls.map(({ path }) => path)).toEqual(["/hook?token=tell-nobody"])
    const [delivery] = await scene.store.deliveries.ofRequest(requestId)
    expect(delivery?.attempts).toMatchObject([{ status: 302, error: "redirect" }])
  })

  it("that resets the connection, or is not there, is told again", async () => {
    receiver.behave((response) => response.destroy())
    const reset = await scene.end("completed", url())
    const away = await scene.end("completed", "http://127.0.0.1:1/hook")
    await scene.work()
    for (const requestId of [reset, away]) {
      const [delivery] = await scene.store.deliveries.ofRequest(requestId)
      expect(delivery).toMatchObject({ state: "failed", attempts: [{ status: null, error: "network" }] })
    }
  })

  it("that never ends its answer has been told all the same", async () => {
    receiver.behave((response) => {
      response.writeHead(200)
      response.write("thank")
    })
    const requestId = await scene.end("completed", url())
    await scene.work()
    expect(await scene.stateOf(requestId)).toBe("delivered")
  })

  it("that is gone is called no more, by anyone of that organization, for a day", async () => {
    receiver.behave({ status: 410 }, { status: 200 })
    const first = await scene.end("completed", url())
    expect(await scene.work()).toEqual([null])
    const second = await scene.end("completed", url())
    expect(await scene.work()).toEqual([null])
    const elsewhere = await scene.end("completed", `${receiver.url}/other`)
    const anothers = await scene.end("completed", url(), { organizationId: "org-2" })
    await scene.work()
    const states = await Promise.all([first, second, elsewhere, anothers].map(scene.stateOf))
    expect(states).toEqual(["blocked", "blocked", "delivered", "delivered"])
    expect(receiver.calls).toHaveLength(3)
    const [delivery] = await scene.store.deliveries.ofRequest(second)
    expect(delivery?.attempts).toEqual([])
  })
})

describe("a redelivery", () => {
  const again = (requestId: string, organizationId: string | null = null) =>
    scene.webhooks.redeliver(`msg_${requestId.slice(4)}_completed_0`, organizationId)

  it("tells the same under the same id, though it was delivered", async () => {
    const requestId = await scene.end("completed", url(), { includeResponse: true })
    await scene.work()
    expect(await again(requestId)).toMatchObject({ kind: "accepted", delivery: { state: "pending" } })
    await scene.work()
    expect(new Set(ids()).size).toBe(1)
    expect(bodies()).toHaveLength(2)
    expect(bodies()[0]).toEqual(bodies()[1])
    const [delivery] = await scene.store.deliveries.ofRequest(requestId)
    expect(delivery?.attempts).toHaveLength(2)
  })

  it("lifts the block of a receiver that was gone", async () => {
    receiver.behave({ status: 410 }, { status: 200 })
    const requestId = await scene.end("completed", url())
    await scene.work()
    await again(requestId)
    await scene.work()
    expect(await scene.stateOf(requestId)).toBe("delivered")
  })

  it("has another day, and the log keeps the latest 20 tries", async () => {
    receiver.behave({ status: 500 })
    const requestId = await scene.end("completed", url())
    await scene.work()
    scene.clock.advance(23 * HOUR_MS)
    await scene.work()
    await again(requestId)
    expect(await scene.work()).toEqual([scene.clock() + 5000])
    for (let tries = 0; tries < 20; tries++) {
      await again(requestId)
      await scene.work()
    }
    const [delivery] = await scene.store.deliveries.ofRequest(requestId)
    expect(delivery?.attempts).toHaveLength(20)
    expect(receiver.calls).toHaveLength(23)
  })

  it("is refused for what is unknown, another's, or no longer kept", async () => {
    const requestId = await scene.end("completed", url())
    expect(await again(requestId)).toEqual({ kind: "unknown" })
    await scene.work()
    expect(await again(requestId, "org-2")).toEqual({ kind: "unknown" })
    expect(await again(requestId, "org-1")).toMatchObject({ kind: "accepted" })
    await scene.work()
    await store.redis.sendCommand(["DEL", scene.queue.keys.outcome(requestId)])
    expect(await again(requestId)).toEqual({ kind: "ended" })
    expect(await scene.webhooks.redeliver("msg_1", null)).toEqual({ kind: "unknown" })
  })
})

describe("secrets that change on the way", () => {
  it("sign each try as they are then", async () => {
    receiver.behave({ status: 500 }, { status: 500 }, { status: 200 })
    const first = await scene.webhooks.secrets.issue("org-1", "whs_1", null)
    await scene.end("completed", url())
    await scene.work()
    const second = await scene.webhooks.secrets.issue("org-1", "whs_2", null)
    scene.clock.advance(5000)
    await scene.work()
    const audit = { at: 1, action: "x", keyId: null, organizationId: null, target: null, ip: null }
    await scene.webhooks.secrets.end("whs_1", null, audit)
    scene.clock.advance(30_000)
    await scene.work()
    const places = receiver.calls.map((call) => [first, second].map(({ secret }) => signedBy(secret, call)))
    expect(places).toEqual([
      [0, null],
      [1, 0],
      [null, 0],
    ])
  })

  it("are made when there are none, so that nothing is lost", async () => {
    await scene.end("completed", url())
    await scene.work()
    const [made] = await scene.store.secrets.read("org-1")
    const [call] = receiver.calls
    expect(call && made && signedBy(made.secret, call)).toBe(0)
  })
})

describe("what is logged", () => {
  it("tells how it went, and neither address nor secret nor answer", async () => {
    const { secret } = await scene.webhooks.secrets.issue("org-1", "whs_1", null)
    await scene.end("completed", url(), { includeResponse: true })
    await scene.work()
    const text = JSON.stringify(scene.logged)
    expect(scene.logged).toMatchObject([
      { event: "delivery", fields: { state: "delivered", tries: 1, status: 204, error: null } },
    ])
    for (const hidden of [secret, secret.slice(6), "tell-nobody", "127.0.0.1", "answer to"]) {
      expect(text).not.toContain(hidden)
    }
    const listed = await scene.webhooks.deliveries.list({
      organizationId: "org-1",
      state: null,
      limit: 9,
      cursor: null,
    })
    expect(listed.data).toMatchObject([{ url: `${receiver.url}/hook` }])
  })
})
