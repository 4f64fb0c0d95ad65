import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { parseConfig } from "../../src/core/config.ts"
import { createTimers } from "../../src/core/timers.ts"
import { Budget } from "../../src/drain/budget.ts"
import { Hand } from "../../src/drain/hand.ts"
import { Partials } from "../../src/drain/partials.ts"
import { createSlots } from "../../src/drain/slots.ts"
import type { PartialText } from "../../src/queue/contract.ts"
import { claimedRequest } from "./claimed.ts"

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const FOREVER = 9e12

/** Only the pace is looked at here: what the store makes of the writes is told by test/queue/partials.test.ts. */
function open({ writes = 1000 } = {}) {
  const { config } = parseConfig({
    ADMIN_API_KEY: "a-key-for-tests-only",
    UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1",
    UPSTASH_REDIS_REST_TOKEN: "none",
  })
  if (config === null) throw new Error("the settings are wrong")
  const written: PartialText[][] = []
  let answer = async (texts: PartialText[]): Promise<(number | null)[]> => texts.map(() => FOREVER)
  const storeSlots = createSlots(1, Date.now)
  const partials = new Partials({
    queue: {
      writePartials: (texts) => {
        written.push(texts)
        return answer(texts)
      },
    },
    clock: Date.now,
    setTimer: createTimers(),
    log: { info: () => {}, warn: () => {}, error: () => {} },
    ...{ storeSlots, budget: new Budget(Date.now(), config), writes, hasSpare: () => true },
  })
  const hand = new Hand()
  return {
    ...{ partials, written, storeSlots },
    hold: (requestId = "req_a", watchedUntil = FOREVER) =>
      hand.take(claimedRequest({ requestId }, { watchedUntil }), Date.now()),
    answerWith: (next: typeof answer) => {
      answer = next
    },
  }
}

describe("texts of calls", () => {
  test("are written when they are watched, first at once and then with what gathers", async () => {
    const { partials, written, hold } = open()
    const [held, ignored] = [hold(), hold("req_b", 0)]
    partials.grow(held, "one")
    partials.grow(ignored, "nobody looks")
    await vi.advanceTimersByTimeAsync(0)
    partials.grow(held, "one, two")
    await vi.advanceTimersByTimeAsync(200)
    partials.grow(held, "one, two, three")
    await vi.advanceTimersByTimeAsync(5000)
    expect(written.flat().map(({ offset, text }) => [offset, text])).toEqual([
      [0, "one"],
      [3, ", two, three"],
    ])
  })

  test("travel together", async () => {
    const { partials, written, hold } = open()
    const all = Array.from({ length: 20 }, (_, i) => hold(`req_${i}`))
    for (let ms = 0; ms < 2000; ms += 50) {
      for (const held of all) partials.grow(held, "x".repeat(ms + 1))
      await vi.advanceTimersByTimeAsync(50)
    }
    expect(written.length).toBeLessThanOrEqual(7)
    for (const texts of written.slice(1)) expect(texts).toHaveLength(20)
  })

  test.each([
    [30_000, 33],
    [600_000, 64],
  ])("are written a bounded number of times: in %d ms %d times at most", async (forMs, most) => {
    const { partials, written, hold } = open()
    const held = hold()
    for (let ms = 0; ms < forMs; ms += 100) {
      partials.grow(held, "x".repeat(1 + ms / 100))
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(written.length).toBeLessThanOrEqual(most)
    expect(written.length).toBeGreaterThan(most / 2)
  })

  test("are no longer written when nobody watches, when the lease is lost and when the call has ended", async () => {
    const { partials, written, hold, answerWith } = open()
    const [soon, lost, ended] = [hold("req_a", Date.now() + 300), hold("req_b"), hold("req_c")]
    answerWith(async (texts) =>
      texts.map(({ lease }) => (lease.requestId === "req_b" ? null : Date.now() + 300)),
    )
    for (const held of [soon, lost, ended]) partials.grow(held, "a")
    await vi.advanceTimersByTimeAsync(100)
    partials.drop(ended)
    for (const held of [soon, lost]) partials.grow(held, "ab")
    await vi.advanceTimersByTimeAsync(10_000)
    expect(written.flat().map(({ text }) => text)).toEqual(["a", "a", "a"])
    expect(vi.getTimerCount()).toBe(0)
  })

  test("that could not be written go along with the next write, later", async () => {
    const { partials, written, hold, answerWith } = open()
    const held = hold()
    answerWith(() => Promise.reject(new Error("away")))
    partials.grow(held, "Grüße 🌍"[0] ?? "")
    await vi.advanceTimersByTimeAsync(0)
    answerWith(async (texts) => texts.map(() => FOREVER))
    // The last character is only half there.
    partials.grow(held, "Grüße \ud83c")
    await vi.advanceTimersByTimeAsync(1900)
    expect(written).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(200)
    partials.grow(held, "Grüße 🌍!")
    await vi.advanceTimersByTimeAsync(1000)
    const told = written.flat().map(({ offset, text }) => [offset, text])
    expect(told).toEqual([
      [0, "G"],
      [0, "Grüße "],
      [8, "🌍!"],
    ])
  })

  test("wait while another holds the connection to the store, and hold it for one write at a time", async () => {
    const { partials, written, hold, storeSlots, answerWith } = open()
    const release = await storeSlots.acquire()
    partials.grow(hold(), "one")
    await vi.advanceTimersByTimeAsync(5000)
    expect(written).toHaveLength(0)
    let finish = () => {}
    answerWith((texts) => new Promise((resolve) => (finish = () => resolve(texts.map(() => FOREVER)))))
    release()
    await vi.advanceTimersByTimeAsync(0)
    expect(written).toHaveLength(1)
    partials.grow(hold("req_b"), "two")
    await vi.advanceTimersByTimeAsync(5000)
    expect(written).toHaveLength(1)
    finish()
    await vi.advanceTimersByTimeAsync(0)
    expect(written).toHaveLength(2)
  })

  test("cost no more subrequests than the drain can spare", async () => {
    const { partials, written, hold } = open({ writes: 3 })
    const held = hold()
    for (let i = 1; i < 20; i++) {
      partials.grow(held, "x".repeat(i))
      await vi.advanceTimersByTimeAsync(1000)
    }
    expect(written).toHaveLength(3)
    expect(vi.getTimerCount()).toBe(0)
  })
})
