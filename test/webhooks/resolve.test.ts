import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { createHostCheck } from "../../src/webhooks/resolve.ts"
import { createTestClock } from "../helpers/queue.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { createScene } from "./scene.ts"

/** What names lead to; the resolver speaks the JSON of DNS over HTTPS, as Cloudflare's and Google's do. */
const names: Record<string, { type: number; data: string }[]> = {
  "good.example.com": [
    { type: 5, data: "edge.example.com." },
    { type: 1, data: "93.184.216.34" },
    { type: 28, data: "2606:2800:220:1::1" },
  ],
  "inner.example.com": [{ type: 1, data: "10.0.0.7" }],
  "half.example.com": [
    { type: 1, data: "93.184.216.34" },
    { type: 1, data: "169.254.169.254" },
  ],
  "six.example.com": [
    { type: 1, data: "93.184.216.34" },
    { type: 28, data: "fd00::1" },
  ],
  "mapped.example.com": [{ type: 28, data: "::ffff:127.0.0.1" }],
  "empty.example.com": [],
}
let asked: string[] = []
let status = 200
const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? "", "http://dns")
  const name = searchParams.get("name") ?? ""
  asked.push(`${name} ${searchParams.get("type")} ${request.headers.accept}`)
  const type = searchParams.get("type") === "A" ? 1 : 28
  const answers = (names[name] ?? []).filter((record) => record.type === type || record.type === 5)
  response.writeHead(status, { "content-type": "application/dns-json" })
  response.end(JSON.stringify({ Status: 0, ...(answers.length > 0 && { Answer: answers }) }))
})
let resolver: string
let store: TestStore
beforeAll(async () => {
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  resolver = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dns-query`
  store = await startBestStore()
})
afterAll(async () => {
  server.close()
  await store.close()
})
const clock = createTestClock()
const open = () => createHostCheck({ resolver, fetch, clock })
beforeEach(() => {
  asked = []
  status = 200
})

describe("a name", () => {
  it.each([
    ["good.example.com", null],
    ["inner.example.com", "private_address"],
    ["half.example.com", "private_address"],
    ["six.example.com", "private_address"],
    ["mapped.example.com", "private_address"],
    ["empty.example.com", "not_resolved"],
    ["unknown.example.com", "not_resolved"],
  ] as const)("%s: %s", async (name, verdict) => {
    expect(await open()(name)).toBe(verdict)
    const accept = "application/dns-json"
    expect(asked.sort()).toEqual([`${name} A ${accept}`, `${name} AAAA ${accept}`])
  })

  it("is looked up once a minute", async () => {
    const check = open()
    await check("good.example.com")
    await check("good.example.com")
    expect(asked).toHaveLength(2)
    clock.advance(60_000)
    await check("good.example.com")
    expect(asked).toHaveLength(4)
  })

  it("is not called while nobody says where it leads, and looked up again at the next try", async () => {
    const check = open()
    status = 500
    expect(await check("good.example.com")).toBe("not_resolved")
    status = 200
    expect(await check("good.example.com")).toBeNull()
    const away = createHostCheck({ resolver: "http://127.0.0.1:1/dns-query", fetch, clock })
    expect(await away("good.example.com")).toBe("not_resolved")
  })
})

describe("an address", () => {
  it.each([
    ["93.184.216.34", null],
    ["[2606:2800:220:1::1]", null],
    ["127.0.0.1", "private_address"],
    ["[::1]", "private_address"],
    ["localhost", "private_address"],
  ] as const)("%s needs no look-up: %s", async (host, verdict) => {
    expect(await open()(host)).toBe(verdict)
    expect(asked).toEqual([])
  })
})

describe("a delivery to a name that leads inside", () => {
  it("calls nobody, shows why, and is tried again", async () => {
    const called: string[] = []
    const scene = createScene(store, {
      config: { webhookAllowPrivate: false, webhookResolver: resolver },
      fetch: (input, init) => {
        called.push(new URL(String(input)).hostname)
        return fetch(input, init)
      },
    })
    const requestId = await scene.end("completed", "https://inner.example.com/hook")
    expect(await scene.work()).toEqual([scene.clock() + 5000])
    expect(new Set(called)).toEqual(new Set(["127.0.0.1"]))
    const [delivery] = await scene.store.deliveries.ofRequest(requestId)
    expect(delivery?.attempts).toMatchObject([{ status: null, error: "private_address" }])
  })
})
