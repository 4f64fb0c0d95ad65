import { runInDurableObject } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { afterEach, expect, it } from "vitest"
import { createClient, enqueued } from "./client.ts"

/** The queue of the lanes themselves: they know the Worker's own variables. Two lanes, three calls each. */
const client = createClient({ QUEUE_NAME: env.QUEUE_NAME, DRAIN_LANES: env.DRAIN_LANES })
/** The same queue, whose enqueues wake nobody. */
const quiet = createClient({ QUEUE_NAME: env.QUEUE_NAME })
const lane = (number: number) => env.LANES.getByName(`lane-${number}`)
const alarmOf = (number: number) => runInDurableObject(lane(number), (_, state) => state.storage.getAlarm())
const say = (content: string) => ({ messages: [{ role: "user", content }] })

interface Call {
  tag: string
  /** null: it runs. */
  result: string | null
}

async function simulatorCalls(tag: string): Promise<Call[]> {
  const response = await fetch(`${env.SIMULATOR_URL}/__calls?tag=${encodeURIComponent(tag)}`)
  return ((await response.json()) as { calls: Call[] }).calls
}

async function untilState(requestId: string, state: string): Promise<void> {
  await expect
    .poll(async () => (await client.call("GET", `/v1/requests/${requestId}`)).body.state, { timeout: 10_000 })
    .toBe(state)
}

const left: string[] = []
afterEach(async () => {
  for (const requestId of left.splice(0)) await client.call("DELETE", `/v1/requests/${requestId}`)
})

it("an enqueue wakes a lane, which calls at once: no tick is needed", async () => {
  const requestId = await enqueued(client, say("wake up"))
  await untilState(requestId, "completed")
  expect(await simulatorCalls("wake up")).toHaveLength(1)
})

it("bulk, the action API, a replay and a resume wake a lane too", async () => {
  const bulk = await client.call("POST", "/v1/requests/bulk", {
    body: { requests: [{ provider: "openai", model: "m", organizationId: "org-1", ...say("in bulk") }] },
  })
  await untilState(bulk.body.requests[0].requestId, "completed")

  const action = await client.call("POST", "/api/ai/queue", {
    body: { provider: "openai", model: "m", organizationId: "org-1", ...say("by action") },
  })
  await untilState(action.body.requestId, "completed")

  const failing = await enqueued(client, say("fails [[sim: error=invalid_request]]"))
  await untilState(failing, "failed")
  expect((await client.call("POST", `/v1/requests/${failing}/replay`)).status).toBe(202)
  await expect.poll(() => simulatorCalls("fails")).toHaveLength(2)

  await client.call("POST", "/v1/providers/openai/pause")
  const paused = await enqueued(client, say("paused"))
  expect((await client.call("GET", `/v1/requests/${paused}`)).body.state).toBe("pending")
  await client.call("POST", "/v1/providers/openai/resume")
  await untilState(paused, "completed")
})

it("a cancelled request's call is ended by the lane that holds it", async () => {
  const requestId = await enqueued(client, say("stalls here [[sim: fault=stall tokens=50]]"))
  await untilState(requestId, "processing")
  await expect.poll(() => simulatorCalls("stalls here")).toHaveLength(1)
  expect((await client.call("DELETE", `/v1/requests/${requestId}`)).body.state).toBe("cancelled")
  await expect
    .poll(async () => (await client.call("GET", `/v1/requests/${requestId}`)).body.attempts)
    .toMatchObject([{ number: 1, result: "cancelled", possiblyBilled: true }])
})

it("a flood is spread over the lanes, each of them with so many calls at most", async () => {
  const ids = await Promise.all(
    Array.from({ length: 6 }, (_, i) => enqueued(client, say(`flood ${i} [[sim: latencyMs=2500]]`))),
  )
  await expect
    .poll(async () => (await simulatorCalls("flood")).filter(({ result }) => result === null).length, {
      timeout: 2400,
    })
    .toBe(6)
  for (const id of ids) await untilState(id, "completed")
  expect(await simulatorCalls("flood")).toHaveLength(6)
})

it("the first lane sleeps until the earliest instant of which it knows", async () => {
  const inSeconds = async (seconds: number) => {
    const scheduledAt = Date.now() + seconds * 1000
    left.push(await enqueued(client, { scheduledAt }))
    return scheduledAt
  }
  const later = await inSeconds(50)
  await expect.poll(() => alarmOf(0)).toBe(later)
  const sooner = await inSeconds(30)
  await expect.poll(() => alarmOf(0)).toBe(sooner)
  await inSeconds(40)
  await untilState(await enqueued(client, say("between")), "completed")
  await expect.poll(() => alarmOf(0)).toBe(sooner)
  expect(await alarmOf(1)).toBeNull()
})

it("a tick wakes lanes for what nobody woke them for", async () => {
  const requestId = await enqueued(quiet, say("left behind"))
  expect((await client.call("GET", `/v1/requests/${requestId}`)).body.state).toBe("pending")
  await client.tick()
  await untilState(requestId, "completed")
})
