import { afterAll, beforeAll, expect, it } from "vitest"
import { retryAfterSeconds } from "../../src/http/retry-after.ts"
import { createQueue } from "../../src/queue/queue.ts"
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { type Call, composeServices, createCall, requestBody } from "./server.ts"

let store: TestStore
beforeAll(async () => {
  store = await startTestStore("embedded")
})
afterAll(() => store.close())

/** The API with a queue and a clock of its own. */
function open(queueName: string) {
  let now = Date.now()
  const clock = () => now
  const composed = composeServices(store, queueName)
  const settings = { ...composed.config, providers: ["openai"] }
  const queue = createQueue({ redis: store, queueName, settings, clock })
  const call = createCall({ ...composed, clock, queue })
  const pass = (ms: number) => {
    now += ms
  }
  const claim = () => queue.claim({ owner: "test:1", limit: 1, maxBytes: 1e6, maxTimeoutMs: 600_000 })
  return { call, queue, pass, claim, clock }
}

async function enqueued(call: Call, changes: Record<string, unknown> = {}): Promise<string> {
  return (await call("POST", "/v1/requests", requestBody(changes))).body.requestId
}

/** What both APIs say. */
async function retryAfter(call: Call, requestId: string) {
  const answer = await call("GET", `/v1/requests/${requestId}`)
  const action = await call("GET", `/api/ai/queue?action=status&requestId=${requestId}`)
  expect([answer.status, action.status]).toEqual([200, 200])
  expect(action.headers.get("retry-after")).toBe(answer.headers.get("retry-after"))
  return answer.headers.get("retry-after")
}

it("is the time until a scheduled request is due, a minute at most", async () => {
  const { call, pass } = open("scheduled")
  const requestId = await enqueued(call, { delayMs: 90_500 })
  expect(await retryAfter(call, requestId)).toBe("60")
  pass(80_000)
  expect(await retryAfter(call, requestId)).toBe("11")
  pass(10_400)
  expect(await retryAfter(call, requestId)).toBe("1")
  pass(3000)
  expect(await retryAfter(call, requestId)).toBe("1")
})

it("is the expected wait of a pending request, and 2 where nothing is known of it or it is being called", async () => {
  const { call, claim, pass, clock } = open("pending")
  const first = await enqueued(call)
  const requests = Array.from({ length: 10 }, () => requestBody())
  const { body } = await call("POST", "/v1/requests/bulk", { requests })
  expect(await retryAfter(call, first)).toBe("2")
  for (let i = 0; i < 5; i++) {
    await claim()
    pass(4000)
  }
  expect(await retryAfter(call, first)).toBe("2")
  const { requestId } = body.requests[9]
  const { estimatedStartAt } = (await call("GET", `/v1/requests/${requestId}`)).body
  const seconds = Number(await retryAfter(call, requestId))
  expect(seconds).toBe(Math.ceil((estimatedStartAt.p50 - clock()) / 1000))
  expect(seconds).toBeGreaterThan(10)
})

it("is not said of a finished request", async () => {
  const { call } = open("finished")
  const requestId = await enqueued(call)
  await call("DELETE", `/v1/requests/${requestId}`)
  expect(await retryAfter(call, requestId)).toBeNull()
})

it.each([
  [1, -5000],
  [1, 1],
  [2, 1001],
  [60, 60_000],
  [60, 3_600_000],
])("%d for a start expected in %d ms", async (seconds, inMs) => {
  const { call, clock } = open("shape")
  const { body } = await call("GET", `/v1/requests/${await enqueued(call)}`)
  const estimatedStartAt = { p50: clock() + inMs, p90: clock() + 2 * inMs }
  expect(retryAfterSeconds({ ...body, estimatedStartAt }, clock())).toBe(seconds)
})
