import { createHash } from "node:crypto"
import { Redis } from "@upstash/redis"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { storesUnderTest, type TestStore } from "../helpers/store.ts"

const SCRIPT = "return redis.call('INCR', KEYS[1])"
const SHA = createHash("sha1").update(SCRIPT).digest("hex")

describe.each(storesUnderTest())("faults on $name", ({ start }) => {
  let store: TestStore
  let redis: Redis
  beforeAll(async () => {
    store = await start()
    redis = new Redis({
      url: store.url,
      token: store.token,
      enableAutoPipelining: false,
      automaticDeserialization: false,
      retry: { retries: 0 },
      signal: () => AbortSignal.timeout(5_000),
    })
  })
  beforeEach(() => store.flush())
  afterAll(() => store?.close())

  test("dropped before execution: not executed, the connection breaks", async () => {
    store.bridge.faults.inject({ fault: "drop", times: 1 })
    await expect(redis.incr("n")).rejects.toThrow("fetch failed")
    expect(await store.redis.get("n")).toBeNull()
    expect(await redis.incr("n")).toBe(1)
    expect(store.bridge.counters).toMatchObject({ requests: 2, dropped: 1, byStatus: { 200: 1 } })
  })

  test("dropped after execution: executed, the connection breaks all the same", async () => {
    store.bridge.faults.inject({ fault: "drop", when: "after", times: 1 })
    await expect(redis.incr("n")).rejects.toThrow("fetch failed")
    expect(await store.redis.get("n")).toBe("1")
    expect(await redis.incr("n")).toBe(2)
  })

  test("reset: as dropped, but the connection ends improperly", async () => {
    for (const [when, stored] of [
      ["before", null],
      ["after", "1"],
    ] as const) {
      store.bridge.faults.inject({ fault: "reset", when, times: 1 })
      const error: Error = await redis.incr("n").then(
        () => new Error("answered"),
        (reason: Error) => reason,
      )
      expect(error.cause).toMatchObject({ code: "ECONNRESET" })
      expect(await store.redis.get("n")).toBe(stored)
    }
  })

  test("repeated: executed twice, answered by the second", async () => {
    store.bridge.faults.inject({ fault: "repeat", times: 1 })
    expect(await redis.incr("n")).toBe(2)
    expect(await redis.incr("n")).toBe(3)
  })

  test.each([
    { status: 500, when: "before", stored: null },
    { status: 500, when: "after", stored: "1" },
    { status: 429, when: "before", stored: null },
  ] as const)("$status $when execution", async ({ status, when, stored }) => {
    store.bridge.faults.inject({ fault: "status", status, when, times: 1 })
    await expect(redis.incr("n")).rejects.toThrow(/^ERR /)
    expect(await store.redis.get("n")).toBe(stored)
    expect(store.bridge.counters.byStatus).toEqual({ [status]: 1 })
  })

  test("an answer that is no JSON, as from a proxy", async () => {
    store.bridge.faults.inject({ fault: "status", status: 502, body: "<html>Bad gateway</html>", times: 1 })
    await expect(redis.incr("n")).rejects.toThrow(/Unable to parse response body/)
  })

  test("a delay before holds execution up, a delay after only the answer", async () => {
    const times: number[] = []
    for (const when of ["before", "after"] as const) {
      store.bridge.faults.inject({ fault: "delay", when, delayMs: 150, times: 1 })
      const started = performance.now()
      const answer = redis.incr(when)
      await expect.poll(() => store.redis.get(when), { interval: 5, timeout: 2_000 }).toBe("1")
      times.push(performance.now() - started)
      await answer
      expect(performance.now() - started).toBeGreaterThan(145)
    }
    expect(times[0]).toBeGreaterThan(145)
    expect(times[1]).toBeLessThan(145)
  })

  test("a client that gives up does not undo a delayed execution", async () => {
    store.bridge.faults.inject({ fault: "delay", delayMs: 100, times: 1 })
    const impatient = new Redis({
      url: store.url,
      token: store.token,
      enableAutoPipelining: false,
      retry: { retries: 0 },
      signal: () => AbortSignal.timeout(20),
    })
    await expect(impatient.incr("n")).rejects.toThrow(/timeout/)
    await expect.poll(() => store.redis.get("n"), { timeout: 2_000 }).toBe("1")
  })

  test("NOSCRIPT once, although the script is there", async () => {
    expect(await redis.scriptLoad(SCRIPT)).toBe(SHA)
    store.bridge.faults.inject({ fault: "noscript", times: 1 })
    expect(await redis.incr("other")).toBe(1)
    await expect(redis.evalsha(SHA, ["n"], [])).rejects.toThrow(/^NOSCRIPT/)
    expect(await redis.evalsha(SHA, ["n"], [])).toBe(1)
  })

  test("NOSCRIPT always, also within pipelines and transactions, and only for EVALSHA", async () => {
    await redis.scriptLoad(SCRIPT)
    const remove = store.bridge.faults.inject({ fault: "noscript" })
    const expected = [
      { result: 1, error: undefined },
      { result: undefined, error: expect.stringMatching(/^NOSCRIPT/) },
      { result: 1, error: undefined },
    ]
    for (const chain of [redis.pipeline(), redis.multi()]) {
      await redis.del("a", "n", "b")
      chain.incr("a").evalsha(SHA, ["n"], []).eval(SCRIPT, ["b"], [])
      expect(await chain.exec({ keepErrors: true })).toEqual(expected)
      expect(await store.redis.exists(["a", "n", "b"])).toBe(2)
    }
    remove()
    expect(await redis.evalsha(SHA, ["n"], [])).toBe(1)
  })

  test("every n-th request", async () => {
    store.bridge.faults.inject({ fault: "drop", when: "after", every: 5 })
    const fates = await inTurn(15, () => redis.incr("n"))
    expect(fates.flatMap((ok, i) => (ok ? [] : [i + 1]))).toEqual([5, 10, 15])
    expect(await store.redis.get("n")).toBe("15")
  })

  test("only what contains a text, only on one route, only so often", async () => {
    store.bridge.faults.inject({ fault: "status", contains: "wanted", route: "command", times: 2 })
    expect(await inTurn(2, () => redis.get("other"))).toEqual([true, true])
    expect(await inTurn(1, () => redis.pipeline().get("wanted").exec())).toEqual([true])
    expect(await inTurn(4, () => redis.get("wanted"))).toEqual([false, false, true, true])
    expect(store.bridge.faults.list()).toMatchObject([{ contains: "wanted", fired: 2 }])
  })

  test("with a probability, repeatable by its seed", async () => {
    const run = async (seed: number) => {
      const remove = store.bridge.faults.inject({ fault: "status", probability: 0.3, seed })
      const fates = await inTurn(100, () => redis.get("a"))
      remove()
      return fates
    }
    const first = await run(7)
    const failures = first.filter((ok) => !ok).length
    expect(failures).toBeGreaterThan(15)
    expect(failures).toBeLessThan(45)
    expect(await run(7)).toEqual(first)
    expect(await run(8)).not.toEqual(first)
  })

  test("a rule that makes no sense is refused", () => {
    const { faults } = store.bridge
    expect(() => faults.inject({ fault: "delay" })).toThrow(RangeError)
    expect(() => faults.inject({ fault: "drop", every: 0 })).toThrow(RangeError)
    expect(() => faults.inject({ fault: "status", status: 99 })).toThrow(RangeError)
    expect(() => faults.inject({ fault: "status", probability: 2 })).toThrow(RangeError)
    expect(faults.list()).toEqual([])
  })

  test("faults and counters from another process", async () => {
    const control = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(store.url + path, {
        method,
        headers: { authorization: `Bearer ${store.token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return (await response.json()) as Record<string, unknown>
    }
    await control("POST", "/__faults", { fault: "status", status: 503, times: 1 })
    await expect(redis.get("a")).rejects.toThrow("ERR injected fault")
    expect(await control("GET", "/__faults")).toMatchObject({ faults: [{ status: 503, fired: 1 }] })
    expect(await control("POST", "/__faults", { fault: "nonsense" })).toHaveProperty("error")
    expect(await control("DELETE", "/__faults")).toEqual({ faults: [] })
    expect(await control("GET", "/__counters")).toMatchObject({ requests: 1, byStatus: { 503: 1 } })
    expect(await control("DELETE", "/__counters")).toMatchObject({ requests: 0, byStatus: {} })
  })
})

/** Runs one after the other; whether each succeeded. */
async function inTurn(times: number, run: () => Promise<unknown>): Promise<boolean[]> {
  const fates: boolean[] = []
  for (let i = 0; i < times; i++) {
    fates.push(
      await run().then(
        () => true,
        () => false,
      ),
    )
  }
  return fates
}
