import { Redis } from "@upstash/redis"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { startTestStore, storesUnderTest, type TestStore } from "../helpers/store.ts"

/** What the client is asked, and what it answers: parsed by its default configuration, raw in ours. */
interface Step {
  ask: (redis: Redis) => Promise<unknown>
  parsed: unknown
  raw?: unknown
}

const FAR = 4_102_444_800
const LUA_ECHO = "return {KEYS[1], ARGV[1], #ARGV, redis.call('GET', KEYS[1])}"

/** Every command the queue uses, in an order in which each answer depends on what came before. */
const SCENARIOS: Record<string, Step[]> = {
  "GET SET MSET MSETNX MGET": [
    { ask: (r) => r.get("none"), parsed: null },
    { ask: (r) => r.set("a", "text"), parsed: "OK" },
    { ask: (r) => r.get("a"), parsed: "text" },
    { ask: (r) => r.set("a", "other", { nx: true }), parsed: null },
    { ask: (r) => r.set("b", "1", { ex: 100 }), parsed: "OK" },
    { ask: (r) => r.get("b"), parsed: 1, raw: "1" },
    { ask: (r) => r.ttl("b"), parsed: 100 },
    { ask: (r) => r.exec(["SET", "c", "x", "EXAT", FAR]), parsed: "OK" },
    { ask: async (r) => (await r.ttl("c")) > 1_000_000, parsed: true },
    { ask: (r) => r.mset({ d: "1761955200123", e: "ü—🚀" }), parsed: "OK" },
    { ask: (r) => r.msetnx({ d: "2", f: "3" }), parsed: 0 },
    { ask: (r) => r.msetnx({ f: "3", g: '{"a":[1]}' }), parsed: 1 },
    {
      ask: (r) => r.mget("a", "d", "none", "e"),
      parsed: ["text", 1761955200123, null, "ü—🚀"],
      raw: ["text", "1761955200123", null, "ü—🚀"],
    },
    { ask: (r) => r.get("g"), parsed: { a: [1] }, raw: '{"a":[1]}' },
  ],
  "DEL UNLINK EXISTS EXPIRE EXPIREAT PERSIST TTL STRLEN GETRANGE": [
    { ask: (r) => r.mset({ a: "1", b: "2", c: "hello" }), parsed: "OK" },
    { ask: (r) => r.exists("a", "b", "none", "a"), parsed: 3 },
    { ask: (r) => r.del("a", "none"), parsed: 1 },
    { ask: (r) => r.unlink("b", "none"), parsed: 1 },
    { ask: (r) => r.ttl("c"), parsed: -1 },
    { ask: (r) => r.expire("c", 1000), parsed: 1 },
    { ask: (r) => r.ttl("c"), parsed: 1000 },
    { ask: (r) => r.persist("c"), parsed: 1 },
    { ask: (r) => r.expireat("c", FAR), parsed: 1 },
    { ask: async (r) => (await r.ttl("c")) > 1_000_000, parsed: true },
    { ask: (r) => r.expireat("none", FAR), parsed: 0 },
    { ask: (r) => r.strlen("c"), parsed: 5 },
    { ask: (r) => r.getrange("c", 1, 3), parsed: "ell" },
    { ask: (r) => r.ttl("none"), parsed: -2 },
  ],
  hashes: [
    { ask: (r) => r.hset("h", { a: "1", b: "two" }), parsed: 2 },
    { ask: (r) => r.hsetnx("h", "a", "9"), parsed: 0 },
    { ask: (r) => r.hsetnx("h", "c", "x|y"), parsed: 1 },
    { ask: (r) => r.hget("h", "b"), parsed: "two" },
    { ask: (r) => r.hget("h", "none"), parsed: null },
    { ask: (r) => r.hmget("h", "a", "none"), parsed: { a: 1, none: null }, raw: ["1", null] },
    {
      ask: (r) => r.hgetall("h"),
      parsed: { a: 1, b: "two", c: "x|y" },
      raw: ["a", "1", "b", "two", "c", "x|y"],
    },
    { ask: (r) => r.hgetall("none"), parsed: null, raw: [] },
    { ask: (r) => r.hlen("h"), parsed: 3 },
    { ask: (r) => r.hdel("h", "a", "none"), parsed: 1 },
  ],
  "sorted sets": [
    { ask: (r) => r.zadd("z", { score: 1761955200123, member: "a" }, { score: -5, member: "b" }), parsed: 2 },
    { ask: (r) => r.zadd("z", { nx: true }, { score: 1, member: "a" }), parsed: 0 },
    { ask: (r) => r.zadd("z", { gt: true }, { score: 1, member: "a" }), parsed: 0 },
    { ask: (r) => r.zadd("z", { gt: true, ch: true }, { score: 99999999999999, member: "b" }), parsed: 1 },
    { ask: (r) => r.zadd("z", { score: 7, member: "c" }), parsed: 1 },
    { ask: (r) => r.zrange("z", 0, -1), parsed: ["c", "a", "b"] },
    { ask: (r) => r.zrange("z", 0, 0, { rev: true }), parsed: ["b"] },
    {
      ask: (r) => r.zrange("z", 0, -1, { withScores: true }),
      parsed: ["c", 7, "a", 1761955200123, "b", 99999999999999],
      raw: ["c", "7", "a", "1761955200123", "b", "99999999999999"],
    },
    { ask: (r) => r.zrange("z", "-inf", "+inf", { byScore: true, offset: 1, count: 1 }), parsed: ["a"] },
    { ask: (r) => r.zrange("z", "(7", "+inf", { byScore: true }), parsed: ["a", "b"] },
    {
      ask: (r) => r.exec(["ZRANGEBYSCORE", "z", "-inf", "(99999999999999", "LIMIT", 0, 5]),
      parsed: ["c", "a"],
    },
    { ask: (r) => r.zrank("z", "b"), parsed: 2 },
    { ask: (r) => r.zrank("z", "none"), parsed: null },
    { ask: (r) => r.zscore("z", "b"), parsed: 99999999999999, raw: "99999999999999" },
    {
      ask: (r) => r.zmscore("z", ["a", "none"]),
      parsed: [1761955200123, null],
      raw: ["1761955200123", null],
    },
    { ask: (r) => r.zcard("z"), parsed: 3 },
    { ask: (r) => r.zcount("z", "-inf", 7), parsed: 1 },
    { ask: (r) => r.zpopmin("z", 1), parsed: ["c", 7], raw: ["c", "7"] },
    { ask: (r) => r.zrem("z", "a", "none"), parsed: 1 },
    { ask: (r) => r.zremrangebyscore("z", "-inf", "+inf"), parsed: 1 },
    { ask: (r) => r.exists("z"), parsed: 0 },
  ],
  scripts: [
    { ask: (r) => r.set("k", "v"), parsed: "OK" },
    { ask: (r) => r.eval(LUA_ECHO, ["k"], ["é"]), parsed: ["k", "é", 1, "v"] },
    { ask: (r) => r.scriptLoad("return ARGV[1]"), parsed: "098e0f0d1448c0a81dafe820f66d460eb09263da" },
    { ask: (r) => r.evalsha("098e0f0d1448c0a81dafe820f66d460eb09263da", [], ["12"]), parsed: 12, raw: "12" },
    { ask: (r) => r.eval("return {1, false, 'x', {2, 'y'}}", [], []), parsed: [1, null, "x", [2, "y"]] },
    { ask: (r) => r.eval("return redis.status_reply('OK')", [], []), parsed: "OK" },
    { ask: (r) => r.eval("return {redis.status_reply('OK')}", [], []), parsed: ["OK"] },
  ],
  streams: [
    {
      ask: (r) =>
        r.xadd(
          "s",
          "1-1",
          { what: "paused" },
          { trim: { type: "MAXLEN", comparison: "~", threshold: 1000 } },
        ),
      parsed: "1-1",
    },
    { ask: (r) => r.xadd("s", "2-1", { what: "resumed" }), parsed: "2-1" },
    {
      ask: (r) => r.xrevrange("s", "+", "-", 1),
      parsed: { "2-1": { what: "resumed" } },
      raw: [["2-1", ["what", "resumed"]]],
    },
  ],
  server: [
    { ask: (r) => r.ping(), parsed: "PONG" },
    { ask: (r) => r.set("k", "v"), parsed: "OK" },
    { ask: (r) => r.dbsize(), parsed: 1 },
    { ask: async (r) => /redis_version:\d/.test(String(await r.exec(["INFO"]))), parsed: true },
    { ask: (r) => r.flushdb(), parsed: "OK" },
    { ask: (r) => r.dbsize(), parsed: 0 },
  ],
  "pipelines and transactions": [
    {
      ask: (r) => r.pipeline().set("n", "1").incr("n").get("n").exec(),
      parsed: ["OK", 2, 2],
      raw: ["OK", 2, "2"],
    },
    { ask: (r) => r.multi().set("t", "x").get("t").exec(), parsed: ["OK", "x"] },
    {
      ask: (r) => r.pipeline().set("s", "x").incr("s").get("s").exec({ keepErrors: true }),
      parsed: [
        { result: "OK", error: undefined },
        { result: undefined, error: "ERR value is not an integer or out of range" },
        { result: "x", error: undefined },
      ],
    },
    {
      ask: (r) => r.multi().set("s", "y").incr("s").get("s").exec({ keepErrors: true }),
      parsed: [
        { result: "OK", error: undefined },
        { result: undefined, error: "ERR value is not an integer or out of range" },
        { result: "y", error: undefined },
      ],
    },
  ],
}

const ERRORS: Record<string, { ask: (redis: Redis) => Promise<unknown>; error: RegExp }> = {
  "wrong type": {
    ask: (r) => r.zadd("text", { score: 1, member: "a" }),
    error: /^(Command failed: )?WRONGTYPE Operation against/,
  },
  "wrong arguments": {
    ask: (r) => r.exec(["GET"]),
    error: /^(Command failed: )?ERR wrong number of arguments for 'get' command/,
  },
  "unknown script": {
    ask: (r) => r.evalsha("f".repeat(40), [], []),
    error: /^(Command failed: )?NOSCRIPT No matching script/,
  },
  "a script's own error": {
    ask: (r) => r.eval("return redis.error_reply('FULL x')", [], []),
    error: /^(Command failed: )?FULL x/,
  },
  "a blocking command": {
    ask: (r) => r.exec(["BLPOP", "l", 1]),
    error: /^(Command failed: )?ERR Command is not available: 'BLPOP'/,
  },
  "a command of a connection": {
    ask: (r) => r.exec(["WATCH", "a"]),
    error: /^(Command failed: )?ERR Command is not available: 'WATCH'/,
  },
}

const CONFIGURATIONS = {
  "default configuration": (url: string, token: string) => new Redis({ url, token }),
  "our configuration": (url: string, token: string) =>
    new Redis({
      url,
      token,
      automaticDeserialization: false,
      enableAutoPipelining: false,
      enableTelemetry: false,
      responseEncoding: false,
      retry: { retries: 0 },
      signal: () => AbortSignal.timeout(5_000),
    }),
}

describe.each(storesUnderTest())("@upstash/redis over the bridge on $name", ({ start }) => {
  let store: TestStore
  beforeAll(async () => {
    store = await start()
  })
  beforeEach(() => store.flush())
  afterAll(() => store?.close())

  describe.each(Object.entries(CONFIGURATIONS))("%s", (configuration, connect) => {
    test.each(Object.entries(SCENARIOS))("%s", async (_name, steps) => {
      const redis = connect(store.url, store.token)
      for (const [i, step] of steps.entries()) {
        const expected = configuration === "our configuration" && "raw" in step ? step.raw : step.parsed
        expect(await step.ask(redis), `step ${i + 1}: ${step.ask}`).toEqual(expected)
      }
    })

    test.each(Object.entries(ERRORS))("%s is an error", async (_name, { ask, error }) => {
      const redis = connect(store.url, store.token)
      await redis.set("text", "x")
      await expect(ask(redis)).rejects.toThrow(error)
    })

    test("one command is one HTTP request", async () => {
      const redis = connect(store.url, store.token)
      await redis.get("a")
      await redis.pipeline().get("a").get("b").exec()
      await redis.multi().get("a").get("b").exec()
      const single =
        configuration === "our configuration" ? { command: 1, pipeline: 1 } : { command: 0, pipeline: 2 }
      expect(store.bridge.counters.byRoute).toEqual({ ...single, "multi-exec": 1, path: 0 })
      expect(store.bridge.counters.commands).toBe(5)
    })
  })

  test("bytes that are no UTF-8 come back as they are in base64, and as U+FFFD without", async () => {
    await store.redis.sendCommand(["SET", "bytes", Buffer.from([0xff, 0x00, 0x41])])
    const ask = async (headers: Record<string, string>) => {
      const response = await fetch(`${store.url}/get/bytes`, {
        headers: { authorization: `Bearer ${store.token}`, ...headers },
      })
      return ((await response.json()) as { result: string }).result
    }
    expect(Buffer.from(await ask({ "upstash-encoding": "base64" }), "base64")).toEqual(
      Buffer.from([0xff, 0, 0x41]),
    )
    expect(await ask({})).toBe("\ufffd\u0000A")
  })
})

test("a wrong token is refused with Upstash's words", async () => {
  const store = await startTestStore("embedded")
  const redis = new Redis({ url: store.url, token: "wrong", retry: { retries: 0 } })
  await expect(redis.get("a")).rejects.toThrow("WRONGPASS invalid or missing auth token")
  expect(store.bridge.counters.unauthorized).toBe(1)
  await store.close()
})
