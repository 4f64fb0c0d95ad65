import { afterEach, describe, expect, test } from "vitest"
import { startTestStore, storesUnderTest, type TestStore } from "../helpers/store.ts"

const LIMIT = 50_000
const OVER = /^ERR max single record size exceeded\. Limit: 50000 bytes, Actual: \d+ bytes/

async function ask(store: TestStore, path: string, body: unknown): Promise<unknown> {
  const headers = { authorization: `Bearer ${store.token}` }
  const response = await fetch(store.url + path, { method: "POST", headers, body: JSON.stringify(body) })
  return response.json()
}

/** Adds 1,000 bytes at a time until it is refused; at most to three times the limit. */
async function fill(
  store: TestStore,
  write: (i: number) => unknown[],
): Promise<{ writes: number; answer: unknown }> {
  for (let i = 0; i < (3 * LIMIT) / 1_000; i++) {
    const answer = await ask(store, "/", write(i))
    if (typeof answer === "object" && answer !== null && "error" in answer) return { writes: i, answer }
  }
  return { writes: Number.POSITIVE_INFINITY, answer: null }
}

const value = "x".repeat(1_000)
const WRITES: Record<string, (i: number) => unknown[]> = {
  APPEND: () => ["APPEND", "k", value],
  HSET: (i) => ["HSET", "k", `field${i}`, value],
  ZADD: (i) => ["ZADD", "k", i, `${value}${i}`],
  "a script": (i) => [
    "EVAL",
    "return redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])",
    2,
    "other",
    "k",
    `f${i}`,
    value,
  ],
}

describe.runIf(storesUnderTest().some(({ name }) => name === "redis"))("100 MB a key, here 50 kB", () => {
  let store: TestStore
  afterEach(() => store.close())

  test.each(Object.entries(WRITES))("%s cannot grow a key past it", async (_name, write) => {
    store = await startTestStore("redis", { maxKeyBytes: LIMIT })
    const { writes, answer } = await fill(store, write)
    expect(answer).toEqual({ error: expect.stringMatching(OVER) })
    // A small string's buffer is doubled as it grows, so that it counts up to twice; measured is every 5 %.
    expect(writes).toBeGreaterThan(20)
    expect(writes).toBeLessThan(56)

    expect(await ask(store, "/pipeline", [write(99), ["PING"]])).toEqual({
      error: expect.stringMatching(OVER),
    })
    expect(await ask(store, "/", ["TYPE", "k"])).toMatchObject({ result: expect.any(String) })
    expect(await ask(store, "/", ["HSET", "small", "a", "1"])).toEqual({ result: 1 })
    expect(await ask(store, "/", ["DEL", "k"])).toEqual({ result: 1 })
    expect(await ask(store, "/", write(0))).not.toHaveProperty("error")
  })
})

test("a store that cannot measure keys goes on", async () => {
  const store = await startTestStore("embedded", { maxKeyBytes: 10_000 })
  const { writes } = await fill(store, (i) => ["HSET", "k", `field${i}`, value])
  expect(writes).toBe(Number.POSITIVE_INFINITY)
  await store.close()
})
