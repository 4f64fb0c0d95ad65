import { Hono } from "hono"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import type { AppEnv } from "../../src/http/context.ts"
import { answerEvents, KEEP_ALIVE, writeEvent } from "../../src/http/events.ts"

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const KEEP_ALIVE_MS = 15_000
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Answers with these events, and tells what became of their caller. */
function serve(events: () => AsyncGenerator<string, void, void>) {
  const told: string[] = []
  const caller = {
    signal: new AbortController().signal,
    leave: () => void told.push("left"),
    release: () => void told.push("released"),
  }
  const explain = (thrown: unknown) => writeEvent({ error: String(thrown) })
  const app = new Hono<AppEnv>()
  app.onError((error, c) => c.text(error.message, 502))
  app.get("/", (c) => answerEvents(c, events(), { caller, explain, keepAlive: KEEP_ALIVE }))
  return { told, answer: Promise.resolve(app.request("/")) }
}

it("keeps the connection open while there is nothing to tell", async () => {
  const { told, answer } = serve(async function* () {
    await pause(40_000)
    yield writeEvent("first")
    await pause(20_000)
    yield writeEvent("last", "named")
  })
  await vi.advanceTimersByTimeAsync(KEEP_ALIVE_MS)
  const { status, headers, body } = await answer
  expect([status, headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"])
  const text = new Response(body).text()
  await vi.advanceTimersByTimeAsync(90_000)
  expect(await text).toBe(
    `${KEEP_ALIVE}${KEEP_ALIVE}data: "first"\n\n${KEEP_ALIVE}event: named\ndata: "last"\n\n`,
  )
  expect(told).toEqual(["released"])
})

it("lets an error be an HTTP error until the answer has begun, and tells it in the stream later", async () => {
  const early = serve(async function* () {
    await pause(KEEP_ALIVE_MS - 1)
    yield await Promise.reject(new Error("early"))
  })
  await vi.advanceTimersByTimeAsync(KEEP_ALIVE_MS)
  expect((await early.answer).status).toBe(502)

  const late = serve(async function* () {
    yield writeEvent("first")
    throw new Error("late")
  })
  const { status, body } = await late.answer
  expect(status).toBe(200)
  expect(await new Response(body).text()).toBe('data: "first"\n\ndata: {"error":"Error: late"}\n\n')
  expect(late.told).toEqual(["released"])
})

it("tells when its reader has gone", async () => {
  const { told, answer } = serve(async function* () {
    for (;;) {
      yield writeEvent("more")
      await pause(1)
    }
  })
  const reader = (await answer).body?.getReader()
  await reader?.read()
  await reader?.cancel()
  expect(told).toEqual(["left"])
})
