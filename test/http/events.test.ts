import { Hono } from "hono/tiny"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import type { AppEnv } from "../../src/http/context.ts"
import { answerEvents } from "../../src/http/events.ts"

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function serve(events: AsyncGenerator<string, void, void>) {
  const caller = { signal: new AbortController().signal, release: vi.fn(), leave: vi.fn() }
  const explain = (thrown: unknown) => `told: ${thrown}\n\n`
  const app = new Hono<AppEnv>()
  app.onError((error) => new Response(`thrown: ${error.message}`, { status: 500 }))
  app.get("/", (c) => answerEvents(c, events, { caller, explain, keepAlive: "ping\n\n" }))
  return { caller, answer: Promise.resolve(app.request("/")) }
}

async function* slowly(...steps: [ms: number, event: string | Error][]) {
  for (const [ms, event] of steps) {
    await after(ms)
    if (event instanceof Error) throw event
    yield event
  }
}

it("something is sent every 15 s while there is nothing to tell, from before the first event", async () => {
  const { answer, caller } = serve(slowly([31_000, "one\n\n"], [1000, "two\n\n"], [16_000, "three\n\n"]))
  const text = answer.then((response) => response.text())
  await vi.advanceTimersByTimeAsync(48_000)
  expect((await text).split("\n\n")).toEqual(["ping", "ping", "one", "two", "ping", "three", ""])
  expect(caller.release).toHaveBeenCalledOnce()
})

it("what fails at once is an HTTP error, what fails later the last event", async () => {
  const soon = serve(slowly([14_000, new Error("soon")]))
  const late = serve(slowly([16_000, new Error("late")]))
  await vi.advanceTimersByTimeAsync(20_000)
  expect((await soon.answer).status).toBe(500)
  expect(await (await late.answer).text()).toBe("ping\n\ntold: Error: late\n\n")
})

it("who stops reading has left", async () => {
  const { answer, caller } = serve(slowly([100, "one\n\n"], [60_000, "two\n\n"]))
  await vi.advanceTimersByTimeAsync(100)
  await (await answer).body?.cancel()
  expect(caller.leave).toHaveBeenCalledOnce()
})
