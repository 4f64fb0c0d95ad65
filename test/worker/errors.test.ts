import { env, exports } from "cloudflare:workers"
import { describe, expect, it, vi } from "vitest"
import { documented } from "../helpers/documented.ts"
import { createClient, requestBody } from "./client.ts"

const client = createClient()
const ID = "req_1m8650amf00005356tsz986"

/** Every path in scope, with the methods that it has. */
const PATHS: [path: string, methods: string[]][] = [
  ["/v1/requests", ["POST", "GET"]],
  ["/v1/requests/bulk", ["POST"]],
  ["/v1/requests/cancel", ["POST"]],
  ["/v1/requests/replay", ["POST"]],
  ["/v1/requests/discard", ["POST"]],
  [`/v1/requests/${ID}`, ["GET", "DELETE"]],
  [`/v1/requests/${ID}/replay`, ["POST"]],
  ["/v1/stats", ["GET"]],
  ["/v1/stats/history", ["GET"]],
  ["/v1/health", ["GET"]],
  ["/v1/cleanup", ["POST"]],
  ["/v1/queue/pause", ["POST"]],
  ["/v1/queue/resume", ["POST"]],
  ["/v1/providers", ["GET"]],
  ["/v1/providers/openai", ["PATCH"]],
  ["/v1/organizations/org-1", ["PATCH"]],
  ["/v1/providers/openai/pause", ["POST"]],
  ["/v1/providers/openai/resume", ["POST"]],
  ["/api/ai/queue", ["POST", "GET", "DELETE"]],
]
const operations = PATHS.flatMap(([path, methods]) =>
  methods.map((method): [string, string] => [method, path]),
)
const withKey = operations.filter(([, path]) => path !== "/v1/health")
const withBody = operations.filter(
  ([method, path]) => method === "POST" && /requests(\/bulk)?$|queue$/.test(path),
)

describe("the order of refusals", () => {
  it.each(["/", "/v1", "/v2/requests", "/v1/alert", "/v1/organizations"])(
    "404 for the route %s, with or without a key, whatever the method",
    async (path) => {
      for (const key of [null, env.ADMIN_API_KEY]) {
        for (const method of ["GET", "POST"]) {
          const { status, headers, body } = await client.call(method, path, { key })
          expect({ status, code: body.code, title: body.title }).toEqual({
            ...{ status: 404, code: "not_found", title: "Not Found" },
          })
          expect(headers.get("content-type")).toBe("application/problem+json")
        }
      }
    },
  )

  it.each(PATHS)("405 with Allow for other methods of %s, also without a key", async (path, methods) => {
    for (const method of ["PUT", "PATCH", "GET", "POST", "DELETE"].filter(
      (each) => !methods.includes(each),
    )) {
      const { status, headers, body } = await client.call(method, path, { key: null })
      expect({ method, status, code: body.code }).toEqual({ method, status: 405, code: "method_not_allowed" })
      const allowed = headers.get("allow")?.split(", ") ?? []
      expect(allowed).toEqual(expect.arrayContaining([...methods, "OPTIONS"]))
      expect(allowed).not.toContain(method)
      expect(allowed.includes("HEAD")).toBe(methods.includes("GET"))
    }
  })

  it.each(withKey)(
    "401 for %s %s without a known key, before its body is looked at",
    async (method, path) => {
      const keys = [null, "", "wrong", `${env.ADMIN_API_KEY}x`, env.ADMIN_API_KEY.slice(0, -1)]
      const schemes = keys.map((key) => (key === null ? null : `Bearer ${key}`))
      for (const authorization of [...schemes, env.ADMIN_API_KEY, `Basic ${env.ADMIN_API_KEY}`]) {
        const headers = { "content-type": "text/plain", ...(authorization === null ? {} : { authorization }) }
        const options = { key: null, headers, ...(method === "POST" ? { body: "{" } : {}) }
        const answer = await client.call(method, path, options)
        expect({ status: answer.status, code: answer.body.code }).toEqual({
          status: 401,
          code: "unauthorized",
        })
        expect(answer.headers.get("www-authenticate")).toBe("Bearer")
      }
    },
  )

  it("takes the scheme in any case", async () => {
    const headers = { authorization: `bearer ${env.ADMIN_API_KEY}` }
    expect((await client.call("GET", "/v1/stats", { key: null, headers })).status).toBe(200)
  })

  it.each(withBody)("415 for %s %s before 413, 413 before 400", async (method, path) => {
    const huge = "x".repeat(9_000_000)
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "application/json; charset=latin1",
      "",
    ]) {
      const { status, body } = await client.call(method, path, {
        body: huge,
        headers: { "content-type": type },
      })
      expect({ type, status, code: body.code }).toEqual({ type, status: 415, code: "unsupported_media_type" })
    }
    const large = await client.call(method, path, { body: huge })
    expect({ status: large.status, code: large.body.code }).toEqual({ status: 413, code: "too_large" })
  })

  it.each(withBody)("400 malformed_json for %s %s", async (method, path) => {
    const invalidUtf8 = new Uint8Array([0x22, 0xff, 0xfe, 0x22])
    for (const body of [
      "{",
      "",
      "nope",
      '{"a":1}}',
      invalidUtf8,
      "[".repeat(100_000) + "]".repeat(100_000),
    ]) {
      const answer = await client.call(method, path, { body })
      expect({ status: answer.status, code: answer.body.code }).toEqual({
        status: 400,
        code: "malformed_json",
      })
    }
  })
})

describe("bodies", () => {
  it("may say utf-8, and may not be compressed", async () => {
    const types = ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
    for (const type of types) {
      const options = { body: requestBody(), headers: { "content-type": type } }
      expect((await client.call("POST", "/v1/requests", options)).status).toBe(202)
    }
    const options = { body: requestBody(), headers: { "content-encoding": "gzip" } }
    expect((await client.call("POST", "/v1/requests", options)).status).toBe(415)
  })

  it("are read no further than the limit when their length is not told", async () => {
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536).fill(0x20))
      },
    })
    const { status } = await client.call("POST", "/v1/requests", { body })
    expect(status).toBe(413)
    expect(sent).toBeLessThan(2_000_000)
  })

  it("may have MAX_REQUEST_BYTES, and not one more", async () => {
    const own = createClient({ MAX_REQUEST_BYTES: "2000" })
    const text = (bytes: number) => {
      const empty = JSON.stringify(requestBody({ messages: [{ role: "user", content: "" }] }))
      const content = "x".repeat(bytes - empty.length)
      return JSON.stringify(requestBody({ messages: [{ role: "user", content }] }))
    }
    expect((await own.call("POST", "/v1/requests", { body: text(2000) })).status).toBe(202)
    expect((await own.call("POST", "/v1/requests", { body: text(2001) })).status).toBe(413)
  })

  it("with __proto__ or doubled members do no harm", async () => {
    const text = JSON.stringify(requestBody({ options: { a: 1 }, metadata: { b: "2" } }))
    const polluted = text.replace('"a":1', '"a":1,"__proto__":{"polluted":true}')
    expect((await client.call("POST", "/v1/requests", { body: polluted })).status).toBe(202)
    expect({}).not.toHaveProperty("polluted")
    const top = text.replace("{", '{"__proto__":{"priority":"critical"},')
    expect((await client.call("POST", "/v1/requests", { body: top })).status).toBe(400)
    const twice = text.replace("{", '{"model":"first",')
    expect((await client.call("POST", "/v1/requests", { body: twice })).body.model).toBe("gpt-5")
  })

  it("of the wrong kind are refused as a whole", async () => {
    for (const body of ["null", "[]", '"text"', "7"]) {
      const answer = await client.call("POST", "/v1/requests", { body })
      expect({ status: answer.status, code: answer.body.code }).toEqual({
        status: 400,
        code: "invalid_request",
      })
      expect(answer.body.errors[0]).toEqual({ path: "", message: "must be an object" })
    }
  })

  it("never come back in an error", async () => {
    const secret = "the-secret-of-the-prompt"
    const broken = JSON.stringify(requestBody({ messages: [{ role: "user", content: secret }] })).slice(0, -2)
    const wrong = JSON.stringify(
      requestBody({ messages: [{ role: secret, content: secret }], priority: secret }),
    )
    for (const body of [broken, `${broken}]${secret}`, wrong, secret]) {
      const answer = await client.call("POST", "/v1/requests", { body })
      expect(answer.status).toBe(400)
      expect(JSON.stringify(answer.body)).not.toContain(secret)
    }
  })
})

describe("every answer", () => {
  it.each(operations)("to %s %s has X-Request-Id and Cache-Control: no-store", async (method, path) => {
    for (const key of [null, env.ADMIN_API_KEY]) {
      const { headers } = await client.call(method, path, { key })
      expect(headers.get("x-request-id")).toMatch(/^[0-9a-f]{16}$/)
      expect(headers.get("cache-control")).toBe("no-store")
    }
  })

  it("keeps the caller's own X-Request-Id when it is safe to log", async () => {
    const call = async (id: string) =>
      (await client.call("GET", "/v1/health", { headers: { "x-request-id": id } })).headers.get(
        "x-request-id",
      )
    expect(await call("trace:4f.2-a_B")).toBe("trace:4f.2-a_B")
    expect(await call("two words")).toMatch(/^[0-9a-f]{16}$/)
    expect(await call("x".repeat(129))).toMatch(/^[0-9a-f]{16}$/)
  })

  it("to HEAD is as to GET, without a body; to OPTIONS it tells the methods", async () => {
    const head = await client.call("HEAD", "/v1/stats")
    expect(head).toMatchObject({ status: 200, body: "" })
    expect(head.headers.get("content-type")).toBe("application/json")
    expect((await client.call("HEAD", "/v1/stats", { key: null })).status).toBe(401)
    expect((await client.call("HEAD", "/v1/cleanup")).status).toBe(405)
    const options = await client.call("OPTIONS", "/v1/requests", { key: null })
    expect(options).toMatchObject({ status: 204, body: "" })
    expect(options.headers.get("allow")).toBe("POST, GET, HEAD, OPTIONS")
  })
})

describe("CORS", () => {
  const origin = "https://app.example.com"
  const preflight = { origin, "access-control-request-method": "POST" }

  it("is off unless CORS_ORIGINS names the origin", async () => {
    const listed = createClient({ CORS_ORIGINS: "https://other.example.com" })
    for (const own of [client, listed]) {
      const answer = await own.call("GET", "/v1/stats", { headers: { origin } })
      expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([])
    }
  })

  it("answers preflights and exposes what callers need, on errors too", async () => {
    const own = createClient({ CORS_ORIGINS: `https://other.example.com, ${origin}` })
    const allowed = await own.call("OPTIONS", "/v1/requests", { key: null, headers: preflight })
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get("access-control-allow-origin")).toBe(origin)
    expect(allowed.headers.get("access-control-allow-methods")).toBe("GET, HEAD, POST, PATCH, DELETE")
    expect(allowed.headers.get("access-control-allow-headers")).toContain("Authorization")
    const refused = await own.call("GET", "/v1/stats", { key: null, headers: { origin } })
    expect(refused.status).toBe(401)
    expect(refused.headers.get("access-control-allow-origin")).toBe(origin)
    const exposed = refused.headers.get("access-control-expose-headers")
    expect(exposed).toMatch(
      /^Location, Retry-After, X-Request-Id, Idempotency-Replayed, .*RateLimit, .*Preference-Applied/,
    )
    expect(refused.headers.get("vary")).toBe("Origin")
  })
})

describe("bad settings", () => {
  it.each([
    ["ADMIN_API_KEY", undefined],
    ["ADMIN_API_KEY", "short"],
    ["ADMIN_API_KEY", "change-me-change-me"],
    ["MAX_RETRIES", "many"],
    ["CUSTOM_PROVIDERS", "{"],
    ["PROVIDER_LIMITS", '{"openai": {"rpm": 0}}'],
    ["ROUTES", '{"fast": []}'],
  ])(
    "%s = %s: everything but health is 503 not_configured, and the log names the variable",
    async (name, value) => {
      const logged = vi.spyOn(console, "error").mockImplementation(() => undefined)
      const own = createClient({ [name]: value })
      for (const path of ["/v1/stats", "/v1/requests", "/v1/none", "/api/ai/queue"]) {
        const { status, headers, body } = await own.call("GET", path)
        expect({ status, code: body.code }).toEqual({ status: 503, code: "not_configured" })
        expect(Number(headers.get("retry-after"))).toBeGreaterThan(0)
      }
      expect(await own.call("GET", "/v1/health")).toMatchObject({ status: 200, body: { status: "degraded" } })
      await own.tick()
      const settings = logged.mock.calls
        .map(([line]) => JSON.parse(line))
        .filter(({ event }) => event === "bad_setting")
      expect(settings).toEqual([
        { level: "error", event: "bad_setting", variable: name, message: expect.any(String) },
      ])
      if (value !== undefined) expect(JSON.stringify(settings)).not.toContain(`"${value}"`)
      logged.mockRestore()
    },
  )

  it("without a store is down", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined)
    const own = createClient({ UPSTASH_REDIS_REST_URL: undefined })
    expect(await own.call("GET", "/v1/health")).toMatchObject({ status: 503, body: { status: "down" } })
    logged.mockRestore()
  })
})

describe("the Worker itself", () => {
  it("serves through its own entry", async () => {
    const path = "/v1/health"
    const answer = await documented(
      { method: "GET", path },
      await exports.default.fetch(`https://queue.test${path}`),
    )
    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status: 200,
      body: { status: "ok" },
    })
  })
})
