import { Agent, request } from "node:http"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { startBridge } from "../../dev/bridge/bridge.ts"
import { startTestStore, storesUnderTest, type TestStore } from "../helpers/store.ts"

interface Exchange {
  status: number
  body: unknown
  headers: Headers
}

async function exchange(store: TestStore, path: string, init: RequestInit = {}): Promise<Exchange> {
  const headers = { authorization: `Bearer ${store.token}`, ...(init.headers as Record<string, string>) }
  const response = await fetch(store.url + path, { ...init, headers })
  const text = await response.text()
  return { status: response.status, body: text === "" ? null : JSON.parse(text), headers: response.headers }
}

function post(
  store: TestStore,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Exchange> {
  return exchange(store, path, { method: "POST", body: JSON.stringify(body), headers })
}

describe.each(storesUnderTest())("the REST protocol on $name", ({ start }) => {
  let store: TestStore
  beforeAll(async () => {
    store = await start()
  })
  beforeEach(() => store.flush())
  afterAll(() => store?.close())

  test("a command in the body", async () => {
    expect(await post(store, "/", ["SET", "k", 12.5])).toMatchObject({ status: 200, body: { result: "OK" } })
    expect(await post(store, "/", ["get", "k"])).toMatchObject({ status: 200, body: { result: "12.5" } })
    expect(await post(store, "/", ["SET", "flag", true])).toMatchObject({ status: 200 })
    expect(await store.redis.get("flag")).toBe("true")
  })

  test("a command in the path, with arguments in the query and the body", async () => {
    expect(await exchange(store, "/set/foo/b%2Fr%20%C3%BC")).toMatchObject({
      status: 200,
      body: { result: "OK" },
    })
    expect(await exchange(store, "/GET/foo")).toMatchObject({ body: { result: "b/r ü" } })
    const body = new Uint8Array([1, 0xff, 0x7b])
    expect(await exchange(store, "/set/foo?EX=100&NX", { method: "POST", body })).toMatchObject({
      body: { result: null },
    })
    expect(await exchange(store, "/set/fresh?EX=100&NX", { method: "PUT", body })).toMatchObject({
      body: { result: "OK" },
    })
    expect(await store.redis.ttl("fresh")).toBe(100)
    const stored = await exchange(store, "/get/fresh", { headers: { "upstash-encoding": "base64" } })
    expect(stored.body).toEqual({ result: Buffer.from(body).toString("base64") })
  })

  test("base64 encodes every string but a plain OK, also in nested arrays, and leaves the rest alone", async () => {
    const base64 = { "upstash-encoding": "base64" }
    const coded = (text: string) => Buffer.from(text).toString("base64")
    expect(await post(store, "/", ["SET", "k", "é"], base64)).toMatchObject({ body: { result: "OK" } })
    const script = "return {'a', 1, false, {'é', {'OK'}}}"
    expect(await post(store, "/", ["EVAL", script, 0], base64)).toMatchObject({
      body: { result: [coded("a"), 1, null, [coded("é"), [coded("OK")]]] },
    })
    expect(await post(store, "/", ["PING"], base64)).toMatchObject({ body: { result: coded("PONG") } })
    const pipeline = await post(
      store,
      "/pipeline",
      [
        ["GET", "k"],
        ["STRLEN", "k"],
        ["INCR", "k"],
      ],
      base64,
    )
    expect(pipeline.body).toEqual([
      { result: coded("é") },
      { result: 2 },
      { error: "ERR value is not an integer or out of range" },
    ])
  })

  test("a pipeline runs in order, and one that fails or is refused stops nobody", async () => {
    const commands = [["SET", "a", "1"], ["LPUSH", "a", "x"], ["BLPOP", "a", 0], [], ["INCR", "a"]]
    const { status, body } = await post(store, "/pipeline", commands)
    expect(status).toBe(200)
    expect(body).toEqual([
      { result: "OK" },
      { error: expect.stringMatching(/^WRONGTYPE/) },
      { error: expect.stringMatching(/^ERR Command is not available: 'BLPOP'/) },
      { error: "ERR failed to parse command" },
      { result: 2 },
    ])
  })

  test("a transaction answers each command, also the one that fails while it runs", async () => {
    const { status, body } = await post(store, "/multi-exec", [
      ["SET", "a", "x"],
      ["INCR", "a"],
      ["GET", "a"],
    ])
    expect({ status, body }).toEqual({
      status: 200,
      body: [{ result: "OK" }, { error: "ERR value is not an integer or out of range" }, { result: "x" }],
    })
  })

  test("a transaction with a command that cannot be queued is discarded as a whole", async () => {
    for (const bad of [["SUBSCRIBE", "c"], ["SET", "only-a-key"], ["NOSUCH"]]) {
      const { status, body } = await post(store, "/multi-exec", [["SET", "a", "x"], bad])
      expect(status).toBe(400)
      expect(body).toEqual({ error: expect.stringMatching(/^(EXECABORT|ERR wrong number of arguments)/) })
    }
    expect(await store.redis.exists("a")).toBe(0)
  })

  test("no other client comes between the commands of a transaction", async () => {
    // Long enough that the store reads it in many pieces and could serve others in between.
    const padding = Array.from({ length: 20 }, () => ["SET", "padding", "x".repeat(50_000)])
    let busy = true
    const other = (async () => {
      while (busy) await store.redis.incr("n")
    })()
    await expect.poll(() => store.redis.get("n")).not.toBeNull()
    const seen: string[] = []
    for (let i = 0; i < 5; i++) {
      const { body } = await post(store, "/multi-exec", [["GET", "n"], ...padding, ["GET", "n"]])
      const [before, after] = [(body as { result: string }[])[0], (body as { result: string }[]).at(-1)]
      expect(after?.result).toBe(before?.result)
      seen.push(String(before?.result))
    }
    busy = false
    await other
    expect(new Set(seen).size).toBe(5)
  })

  test("every answer carries a sync token", async () => {
    const first = await post(store, "/", ["SET", "a", "1"])
    const second = await post(store, "/pipeline", [["GET", "a"]], {
      "upstash-sync-token": first.headers.get("upstash-sync-token") ?? "",
    })
    expect(first.headers.get("upstash-sync-token")).toBeTruthy()
    expect(second.headers.get("upstash-sync-token")).not.toBe(first.headers.get("upstash-sync-token"))
  })
})

describe("whom and what it refuses", () => {
  let store: TestStore
  beforeAll(async () => {
    store = await startTestStore("embedded", { maxRequestBytes: 10_000 })
  })
  beforeEach(() => store.flush())
  afterAll(() => store?.close())

  test.each(["/", "/pipeline", "/multi-exec", "/set/a/1", "/__faults", "/__counters"])(
    "%s needs the token",
    async (path) => {
      const body = path === "/" ? '["SET","a","1"]' : '[["SET","a","1"]]'
      for (const authorization of ["", "Bearer wrong", store.token, `Basic ${store.token}`]) {
        const response = await fetch(store.url + path, { method: "POST", body, headers: { authorization } })
        expect(response.status).toBe(401)
        expect(await response.json()).toEqual({ error: "WRONGPASS invalid or missing auth token" })
      }
      expect(await store.redis.exists("a")).toBe(0)
    },
  )

  test("the token may come in the query", async () => {
    const right = await fetch(`${store.url}/set/a/1?_token=${store.token}&EX=100`)
    expect(await right.json()).toEqual({ result: "OK" })
    expect(await store.redis.ttl("a")).toBe(100)
    expect((await fetch(`${store.url}/get/a?_token=wrong`)).status).toBe(401)
  })

  test.each([
    ["/", "not json", "ERR failed to parse command"],
    ["/", "", "ERR failed to parse command"],
    ["/", '{"a":1}', "ERR failed to parse command"],
    ["/", "[]", "ERR failed to parse command"],
    ["/", '["SET","a",null]', "ERR failed to parse command"],
    ["/", '["SET","a",{"b":1}]', "ERR failed to parse command"],
    ["/pipeline", "[", "ERR failed to parse pipeline request"],
    ["/pipeline", '["SET","a","1"]', "ERR failed to parse pipeline request"],
    ["/pipeline", "[]", "ERR empty pipeline request"],
    ["/multi-exec", "{}", "ERR failed to parse pipeline request"],
    ["/get/%zz", "", "ERR failed to parse command"],
  ])("%s with body %j", async (path, body, error) => {
    expect(await exchange(store, path, { method: "POST", body })).toMatchObject({
      status: 400,
      body: { error },
    })
  })

  test.each([
    ["SUBSCRIBE", "a"],
    ["MONITOR"],
    ["SELECT", "1"],
    ["CLIENT", "KILL", "ID", "1"],
    ["CONFIG", "SET", "maxmemory", "1"],
    ["XREAD", "BLOCK", "0", "STREAMS", "s", "$"],
    ["DEBUG", "SLEEP", "10"],
    ["SHUTDOWN"],
    ["MULTI"],
    [""],
  ])("%s is not available", async (...command) => {
    const { status, body } = await post(store, "/", command)
    expect(status).toBe(400)
    expect(body).toEqual({ error: expect.stringMatching(/^ERR Command is not available: '/) })
  })

  test("methods and the bare address", async () => {
    expect(await exchange(store, "/get/a", { method: "DELETE" })).toMatchObject({ status: 405 })
    expect(await exchange(store, "/", { method: "GET" })).toMatchObject({ status: 400 })
    expect(await exchange(store, "/nosuch")).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/^ERR Command is not available: 'NOSUCH'/) },
    })
    expect(await exchange(store, "/get/a", { method: "HEAD" })).toMatchObject({ status: 200, body: null })
  })

  test("a request over the size limit is not executed", async () => {
    const error = /^ERR max request size exceeded\. Limit: 10000 bytes, Actual: \d+ bytes/
    expect(await post(store, "/", ["SET", "a", "x".repeat(9_000)])).toMatchObject({ status: 200 })
    const tooLarge = await post(store, "/", ["SET", "a", "y".repeat(10_000)])
    expect(tooLarge).toMatchObject({ status: 400, body: { error: expect.stringMatching(error) } })
    const pipeline = [
      ["SET", "a", "y".repeat(6_000)],
      ["SET", "b", "y".repeat(6_000)],
    ]
    expect(await post(store, "/pipeline", pipeline)).toMatchObject({ status: 400 })
    expect(await store.redis.get("a")).toBe("x".repeat(9_000))
    expect(await store.redis.exists("b")).toBe(0)
  })

  test("a reply over the size limit is an error too", async () => {
    await store.redis.set("a", "x".repeat(6_000))
    const { status, body } = await post(store, "/", ["MGET", "a", "a"])
    expect(status).toBe(400)
    expect(body).toEqual({ error: expect.stringMatching(/^ERR max request size exceeded/) })
    const entries = (
      await post(store, "/pipeline", [
        ["MGET", "a", "a"],
        ["STRLEN", "a"],
      ])
    ).body
    expect(entries).toEqual([{ error: expect.stringMatching(/^ERR max request size/) }, { result: 6_000 }])
  })

  test("a connection is kept and used again", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ports = new Set<number | undefined>()
    for (let i = 0; i < 3; i++) {
      await new Promise<void>((resolve, reject) => {
        const sent = request(`${store.url}/ping?_token=${store.token}`, { agent }, (response) => {
          ports.add(sent.socket?.localPort)
          response.resume().once("end", resolve)
        })
        sent.once("error", reject).end()
      })
    }
    agent.destroy()
    expect(ports.size).toBe(1)
  })
})

test("the defaults are Upstash's: 10 MB a request", async () => {
  const store = await startTestStore("embedded")
  const MB = 1024 * 1024
  expect(await post(store, "/", ["STRLEN", "x".repeat(10 * MB - 100)])).toMatchObject({ body: { result: 0 } })
  expect(await post(store, "/", ["STRLEN", "x".repeat(10 * MB)])).toMatchObject({
    status: 400,
    body: { error: expect.stringMatching(/Limit: 10485760 bytes/) },
  })
  await store.close()
})

test("no store behind it: an error at once, and nothing listens", async () => {
  await expect(startBridge({ redisUrl: "redis://127.0.0.1:1", token: "t" })).rejects.toThrow(
    "ERR store unreachable",
  )
})

test.runIf(storesUnderTest().some(({ name }) => name === "redis"))(
  "a lost connection is made again; a store that is gone is an error at once",
  async () => {
    const store = await startTestStore("redis")
    await store.redis.sendCommand(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
    await expect.poll(async () => (await post(store, "/", ["PING"])).body).toEqual({ result: "PONG" })
    await store.redis.sendCommand(["SHUTDOWN", "NOSAVE"]).catch(() => undefined)
    for (const [path, body] of [
      ["/", ["PING"]],
      ["/pipeline", [["PING"]]],
      ["/multi-exec", [["PING"]]],
    ] as const) {
      expect(await post(store, path, body)).toMatchObject({
        status: 500,
        body: { error: "ERR store unreachable" },
      })
    }
    await store.close()
  },
)

test("a port that is taken is an error", async () => {
  const store = await startTestStore("embedded")
  const { port } = new URL(store.url)
  await expect(startBridge({ ...store.address, token: "t", port: Number(port) })).rejects.toThrow(
    /EADDRINUSE/,
  )
  await store.close()
})
