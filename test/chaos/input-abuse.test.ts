import { isDeepStrictEqual } from "node:util"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { expectConserved } from "../helpers/conserved.ts"
import { eventually } from "../helpers/eventually.ts"
import { FORM_TYPE, toForm } from "./input/form.ts"
import { CHAT, nameOf, OPERATIONS } from "./input/operations.ts"
import { type RawRequest, raw, sendRaw } from "./input/raw.ts"
import { recordInput } from "./input/record-input.ts"
import { ADMIN_KEY, type ServedWorker, serveWorker, unchangedBy } from "./input/worker.ts"

let worker: ServedWorker
beforeAll(async () => {
  worker = await serveWorker()
})
afterAll(async () => {
  await expectConserved(worker.store.redis, worker.queueName)
  await worker.close()
})
// Errors that are ours are logged there: a caller's abuse is none of them.
beforeEach(() => void vi.spyOn(process.stderr, "write").mockImplementation(() => true))
afterEach(() => {
  const logged = vi.mocked(process.stderr.write).mock.calls.flat().join("")
  vi.restoreAllMocks()
  expect(logged).not.toMatch(/answer_failed|Error/)
})

const body = JSON.stringify(CHAT)
const chunked = "Transfer-Encoding: chunked"
const form = toForm({ file: "in.jsonl", purpose: "batch" }, "file").slice(0, -30)
const auth = `Authorization: Bearer ${ADMIN_KEY}`

const unchanged = <T>(run: () => Promise<T>) => unchangedBy(worker, run)

/** Asserts that what was stored meanwhile is soon taken back. */
async function leavingNothing<T>(run: () => Promise<T>): Promise<T> {
  const before = await worker.filesKept()
  const result = await run()
  await eventually(async () => isDeepStrictEqual(await worker.filesKept(), before))
  return result
}

async function stillServes(): Promise<void> {
  expect((await worker.send({ method: "GET", path: "/v1/health", key: null })).status).toBe(200)
}

describe("bodies that are not what they were announced to be", () => {
  it.each<[string, RawRequest]>([
    ["end before the length that was told", { headers: ["Content-Length: 900"], body }],
    ["end in the middle of a chunk", { headers: [chunked], body: `500\r\n${body}` }],
    ["have a chunk of no length", { headers: [chunked], body: `5\r\n{"a":\r\nZZ\r\n` }],
    [
      "are chunks without the last one",
      { headers: [chunked], body: `${body.length.toString(16)}\r\n${body}\r\n` },
    ],
  ])("that %s are refused, also where they may be missing", async (fault, request) => {
    const operations = OPERATIONS.filter(({ body: own }) => own !== undefined && own.file === undefined)
    for (const { method, path, takesBack } of operations) {
      const target = path.replace("{provider}", "openai").replace(/\{\w+\}/, "req_1m8650amf00005356tsz986")
      for (const leaving of ["says no more", "breaks the connection"] as const) {
        const send = () => sendRaw(worker.port, raw({ ...request, method, target }), leaving)
        const { statuses } = takesBack ? await leavingNothing(send) : await unchanged(send)
        // A connection that is broken gets no answer.
        const expected = leaving === "says no more" ? [[400]] : [[400], []]
        expect(expected, `${method} ${target}`).toContainEqual(statuses)
      }
    }
    await stillServes()
    recordInput(`bodies that ${fault}`, 2 * operations.length, "400 malformed_json, or no answer")
  })

  it.each<[string, RawRequest]>([
    ["end before the length that was told", { headers: ["Content-Length: 9000"], body: form }],
    ["end in the middle of a chunk", { headers: [chunked], body: `500\r\n${form}` }],
    ["are whole, and half a form", { body: form }],
  ])("forms that %s leave nothing behind, whether their sender stays or not", async (fault, request) => {
    const upload = await worker.send({
      ...{ method: "POST", path: "/v1/uploads" },
      body: '{"bytes":100,"filename":"a","mime_type":"text/plain","purpose":"batch"}',
    })
    const targets = ["/v1/files", `/v1/uploads/${upload.json.id}/parts`]
    for (const target of targets) {
      for (const leaving of ["says no more", "breaks the connection"] as const) {
        const headers = [...(request.headers ?? []), `Content-Type: ${FORM_TYPE}`]
        const { statuses } = await leavingNothing(() =>
          sendRaw(worker.port, raw({ ...request, target, headers }), leaving),
        )
        const expected = leaving === "says no more" ? [[400]] : [[400], []]
        expect(expected, target).toContainEqual(statuses)
      }
    }
    recordInput(`forms that ${fault}`, 2 * targets.length, "400, or no answer, and nothing is kept")
  })

  it("compressed ones are refused wherever there may be a body", async () => {
    const headers = ["Content-Encoding: gzip"]
    for (const target of ["/v1/requests/req_1m8650amf00005356tsz986/replay", "/v1/cleanup", "/v1/keys"]) {
      const { statuses } = await unchanged(() => sendRaw(worker.port, raw({ target, headers, body: "{}" })))
      expect([target, statuses]).toEqual([target, [415]])
    }
  })

  it("nothing beyond the length that was told belongs to the body", async () => {
    const { statuses } = await sendRaw(
      worker.port,
      raw({ headers: [`Content-Length: ${body.length}`], body: `${body}}}` }),
    )
    expect(statuses[0]).toBe(202)
  })

  it.each<[string, string[]]>([
    ["a negative length", ["Content-Length: -5"]],
    ["a length that is no number", ["Content-Length: many"]],
    ["two lengths", [`Content-Length: ${body.length}`, "Content-Length: 3"]],
    ["a length and chunks", [`Content-Length: ${body.length}`, chunked]],
    ["an unknown transfer encoding", ["Transfer-Encoding: rot13"]],
  ])("%s is never read in two ways", async (fault, headers) => {
    const { statuses } = await unchanged(() => sendRaw(worker.port, raw({ headers, body }), "says no more"))
    for (const status of statuses) expect([400, 411, 501]).toContain(status)
    await stillServes()
    recordInput(fault, 1, statuses.join(" ") || "no answer")
  })
})

describe("headers", () => {
  it.each<[string, string[], number]>([
    ["a doubled Authorization", [auth, auth], 401],
    ["an Authorization with odd bytes", ["Authorization: Bearer \xff\xfe\x80"], 401],
    ["an Authorization of 100 kB", [`Authorization: Bearer ${"x".repeat(100_000)}`], 401],
    ["a header of 100 kB", [`X-Anything: ${"x".repeat(100_000)}`], 202],
    ["a thousand headers", Array.from({ length: 1000 }, (_, i) => `X-${i}: ${i}`), 202],
    ["an Idempotency-Key of odd bytes", ["Idempotency-Key: \xff\x80\xe9"], 202],
    ["an Idempotency-Key of 255 characters", [`Idempotency-Key: ${"k".repeat(255)}`], 202],
    ["an Idempotency-Key of 256 characters", [`Idempotency-Key: ${"k".repeat(256)}`], 400],
    ["an empty Idempotency-Key", ["Idempotency-Key: "], 400],
    ["an X-Request-Id with an escape", ["X-Request-Id: a\x1b[2Jb"], 202],
    ["another Host", ["Host: evil.example"], 202],
    ["a type with a charset", ['Content-Type: Application/JSON ; charset="UTF-8"'], 202],
    ["a type with another charset", ["Content-Type: application/json; charset=utf-16"], 415],
    ["a form's type", ["Content-Type: application/x-www-form-urlencoded"], 415],
    ["two types", ["Content-Type: application/json", "Content-Type: text/plain"], 415],
    ["no type", ["Content-Type: "], 415],
    ["a compressed body", ["Content-Encoding: gzip"], 415],
    ["Expect: 100-continue", ["Expect: 100-continue"], 202],
    ["another method in a header", ["X-HTTP-Method-Override: DELETE"], 202],
  ])("%s", async (fault, headers, expected) => {
    const { statuses, text } = await sendRaw(worker.port, raw({ headers, body }))
    expect(statuses.filter((status) => status >= 200)).toEqual([expected])
    expect(text).not.toContain("\x1b")
    recordInput(fault, 1, String(expected))
  })
})

describe("paths and methods", () => {
  it.each<[string, number]>([
    ...["/v1/requests/%2e%2e/keys", "/v1/requests/..%2fkeys", "/v1//requests", "//v1/stats", "/V1/stats"].map(
      (path): [string, number] => [path, 404],
    ),
    ["/v1/stats/", 200],
    ["/v1/requests/../stats", 404],
    ["/v1/requests/%00%ff%zz", 404],
    ["/v1/requests/..;/keys", 404],
    ["/v1/requests/__proto__", 404],
    ["/v1/requests/req_1m8650amf00005356tsz986%0a", 404],
    ["/v1/requests?state=pending&state=failed", 400],
    ["/v1/requests?state=pending&__proto__=1", 400],
    ["/v1/requests?state=%ff%fe", 400],
    ["/v1/requests?organizationId=org-1&cursor=req_7zzzzzzzz0000zzzzzzzzzz", 200],
    ["/v1/requests?organizationId=org-1&cursor=req_000000000000000zzzzzzzz", 200],
    ["/v1/requests?limit=999999999999999999", 400],
    ["/v1/stats?anything=1", 200],
    ["/v1/stats#here", 404],
    ["http://queue.test/v1/stats", 200],
    ["/api/ai/queue?action=stats&action=cleanup", 200],
    ["/api/ai/queue?action=constructor", 400],
  ])("GET %s: %i", async (target, expected) => {
    const { statuses } = await unchanged(() => sendRaw(worker.port, raw({ method: "GET", target })))
    const found = statuses[0] ?? 0
    // Who reads a fragment off the line finds the path before it.
    expect(target.includes("#") ? [200, 404, 400] : [expected]).toContain(found)
    recordInput(`GET ${target}`, 1, String(found))
  })

  it("a path of 60 kB is one that is not known", async () => {
    const target = `/v1/requests/${"x".repeat(60_000)}`
    const { statuses } = await unchanged(() => sendRaw(worker.port, raw({ method: "GET", target })))
    expect(statuses).toEqual([404])
    recordInput("GET a path of 60 kB", 1, "404")
  })

  it("what is noted of a refused key is short, however long its path was", async () => {
    const request = { method: "GET", headers: ["Authorization: Bearer none"] }
    const target = `/v1/requests/${"y".repeat(60_000)}`
    expect((await sendRaw(worker.port, raw({ ...request, target }))).statuses).toEqual([401])
    const noted = await eventually(async () => {
      const { json } = await worker.send({ method: "GET", path: "/v1/audit?limit=100" })
      return json.data.find((entry: { target: string | null }) => entry.target?.includes("yyyy"))
    })
    expect(noted).toMatchObject({ action: "auth.refused", target: target.slice(0, 200) })
  })

  it("methods that a path does not have get 405, whatever they are", async () => {
    const methods = ["PUT", "TRACE", "PROPFIND", "PATCH", "LOCK"]
    const own = ["/v1/requests", "/v1/stats", "/v1/keys", "/api/ai/queue"]
    for (const method of methods) {
      for (const target of own) {
        const { statuses } = await unchanged(() => sendRaw(worker.port, raw({ method, target })))
        expect([method, target, statuses]).toEqual([method, target, [405]])
      }
    }
    for (const method of ["FROB", "get", "G\x01T"]) {
      const { statuses } = await unchanged(() => sendRaw(worker.port, raw({ method }), "says no more"))
      // No method of HTTP: the runtime refuses it by itself.
      expect([[400], [405], [501], []]).toContainEqual(statuses)
    }
    recordInput(
      "methods that a path does not have",
      methods.length * own.length,
      "405, or the runtime's own refusal",
    )
  })
})

describe("sizes", () => {
  const MiB = 1024 * 1024
  const sized = (bytes: number, changes = {}) => {
    const empty = JSON.stringify({ ...CHAT, ...changes, messages: [{ role: "user", content: "" }] })
    const content = "x".repeat(bytes - empty.length)
    return JSON.stringify({ ...CHAT, ...changes, messages: [{ role: "user", content }] })
  }
  const bulk = (requests: string[]) => `{"requests":[${requests.join(",")}]}`
  const deep = (depth: number) => body.replace('"Say hello."', `${"[".repeat(depth)}${"]".repeat(depth)}`)

  it.each<[string, string, string, number]>([
    ["1 MiB", "/v1/requests", sized(MiB), 202],
    ["1 MiB and a byte", "/v1/requests", sized(MiB + 1), 413],
    ["1 MiB and a byte, in the action API", "/api/ai/queue", sized(MiB + 1), 413],
    ["a bulk of 1,000", "/v1/requests/bulk", bulk(Array.from({ length: 1000 }, () => body)), 202],
    ["a bulk of 1,001", "/v1/requests/bulk", bulk(Array.from({ length: 1001 }, () => body)), 400],
    ["an empty bulk", "/v1/requests/bulk", bulk([]), 400],
    ["a bulk with one over 1 MiB", "/v1/requests/bulk", bulk([body, sized(MiB + 1)]), 413],
    [
      "a bulk of 7 MiB in quotes",
      "/v1/requests/bulk",
      bulk(Array.from({ length: 7 }, () => quotes(MiB))),
      413,
    ],
    ["a million numbers", "/v1/requests", body.replace('"Say hello."', `[${"1,".repeat(500_000)}1]`), 400],
    ["a name of 900 kB", "/v1/requests", body.replace("{", `{"${"n".repeat(900_000)}":1,`), 400],
    ["200,000 unknown members", "/v1/requests", `{${members(60_000)}${body.slice(1)}`, 400],
    [
      "199 levels",
      "/v1/requests",
      body.replace("{", `{"options":{"a":${"[".repeat(195)}${"]".repeat(195)}},`),
      202,
    ],
    ["201 levels", "/v1/requests", deep(201), 400],
    ["100,000 levels", "/v1/requests", deep(100_000), 400],
    ["1e400", "/v1/requests", body.replace("{", '{"timeoutMs":1e400,'), 400],
    [
      "1e400 in options, where JSON has no such number",
      "/v1/requests",
      body.replace("{", '{"options":{"a":1e400},'),
      202,
    ],
  ])("%s", async (fault, path, sent, expected) => {
    const before = await worker.changes()
    const { status, text } = await worker.send({ method: "POST", path, body: sent })
    expect(status).toBe(expected)
    if (status >= 400) {
      expect(await worker.changes()).toBe(before)
      // What is refused is not sent back in bulk.
      expect(text.length).toBeLessThan(sent.length + 20_000)
    }
    recordInput(fault, 1, String(status))
  })

  it("what is wrong is told to a vendor's client in short, however long the names are", async () => {
    const metadata = { ["n".repeat(100_000)]: "v".repeat(600), ["m".repeat(100_000)]: "v".repeat(600) }
    const chat = JSON.stringify({ model: "gpt-5", messages: CHAT.messages, metadata })
    const { status, json } = await worker.send({ method: "POST", path: "/v1/chat/completions", body: chat })
    expect(status).toBe(400)
    expect(json.error.message).toMatch(/^The body has \d problems: metadata\.n+….*m+…/)
    expect(json.error.message.length).toBeLessThan(1000)
  })

  it("a bulk that says it has more than 8 MiB is refused before it is sent", async () => {
    const headers = [`Content-Length: ${9 * MiB}`]
    const request = raw({ target: "/v1/requests/bulk", headers, body: '{"requests":[' })
    expect((await unchanged(() => sendRaw(worker.port, request))).statuses).toEqual([413])
    recordInput("a bulk of 9 MiB", 1, "413 before it is sent")
  })

  function quotes(bytes: number): string {
    const content = '\\"'.repeat((bytes - 1000) / 2)
    return body.replace("Say hello.", content)
  }

  function members(count: number): string {
    return Array.from({ length: count }, (_, i) => `"k${i}":1,`).join("")
  }
})

it("knows every operation that there is", async () => {
  // Each answers something other than 404 for the route: the list is no wish.
  for (const operation of OPERATIONS) {
    const path = operation.path.replace("{provider}", "openai").replace("{organizationId}", "org-1")
    const { text } = await worker.send({ method: operation.method, path, key: null })
    expect([nameOf(operation), text]).not.toEqual([
      nameOf(operation),
      expect.stringContaining("nothing at this path"),
    ])
  }
})
