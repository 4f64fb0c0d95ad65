import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { freePort } from "../../dev/port.ts"
import { scriptSha } from "../../dev/script-sha.ts"
import { AIRequestQueueClient, AIRequestQueueError, type ClientOptions } from "../../src/client/client.ts"

import { ADMIN_KEY, type ServedQueue, serveQueue } from "./served-queue.ts"

let queue: ServedQueue
beforeAll(async () => {
  queue = await serveQueue()
  vi.spyOn(console, "error").mockImplementation(() => undefined)
})
afterEach(() => {
  queue.reset()
  queue.store.bridge.faults.clear()
})
afterAll(async () => {
  vi.restoreAllMocks()
  await queue.close()
})

function open(options: Partial<ClientOptions> = {}): AIRequestQueueClient {
  return new AIRequestQueueClient({ url: queue.url, apiKey: ADMIN_KEY, ...options })
}

const chat = (organizationId: string) => ({
  ...{ provider: "openai", model: "a-model", organizationId },
  messages: [{ role: "user" as const, content: "Once" }],
})

/** The next `times` exchanges get this, later ones nothing. */
function interfere(times: number, what: ReturnType<ServedQueue["interfere"]>): void {
  queue.interfere = () => (times-- > 0 ? what : undefined)
}

async function errorOf(promise: Promise<unknown>): Promise<AIRequestQueueError> {
  const error = await promise.then(
    () => new Error("it succeeded"),
    (thrown) => thrown,
  )
  if (!(error instanceof AIRequestQueueError)) throw error
  return error
}

describe("an enqueue whose answer is lost", () => {
  it("is stored once, as one and as many", async () => {
    interfere(2, "lose")
    const { requestId } = await open().enqueue(chat("lost"))
    const keys = queue.exchanges.map(({ idempotencyKey }) => idempotencyKey)
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(await queue.count("lost")).toBe(1)
    expect(await open().status(requestId)).toMatchObject({ state: "pending" })

    interfere(1, "lose")
    await open().enqueueMany([chat("lost"), chat("lost")])
    expect(await queue.count("lost")).toBe(3)
  })

  it("more often than it may be repeated tells the key under which the same again stores nothing more", async () => {
    interfere(2, "lose")
    const client = open({ maxRetries: 1 })
    const error = await errorOf(client.enqueue(chat("given-up")))
    expect(error).toMatchObject({ code: "unreachable", status: null, maybeStored: true })
    const { idempotencyKey } = error
    if (idempotencyKey === null) throw new Error("no key")
    await client.enqueue(chat("given-up"), { idempotencyKey })
    expect(await queue.count("given-up")).toBe(1)
    const other = { ...chat("given-up"), model: "another" }
    expect(await errorOf(client.enqueue(other, { idempotencyKey }))).toMatchObject({
      ...{ code: "idempotency_mismatch", status: 422, idempotencyKey, maybeStored: false },
    })
  })

  it("between the Worker and its store is stored once as well", async () => {
    await open().enqueue(chat("so-that-the-store-knows-the-script"))
    const contains = scriptSha("enqueue")
    queue.store.bridge.faults.inject({ fault: "drop", when: "after", contains, times: 4 })
    // The API would have it wait for 5 s.
    queue.interfere = () => ({ headers: { "Retry-After": "0" } })
    await open().enqueue(chat("lost-below"))
    expect(queue.store.bridge.faults.list()).toMatchObject([{ fired: 4 }])
    expect(await queue.count("lost-below")).toBe(1)
  })
})

describe("what passes", () => {
  it.each([429, 502, 503, 504])("is tried again after a %i, and not before Retry-After", async (status) => {
    interfere(1, { status, headers: { "Retry-After": "1" } })
    expect(await open().stats()).toHaveProperty("counts")
    const [first, second] = queue.exchanges.map(({ at }) => at)
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(990)
  })

  it("is tried at most maxRetries times, and not when the wait is long or no wait helps", async () => {
    queue.interfere = () => "refuse"
    expect((await errorOf(open({ maxRetries: 2 }).stats())).code).toBe("unreachable")
    expect(queue.exchanges).toHaveLength(3)

    queue.reset()
    queue.interfere = () => problem(429, "queue_full", { "Retry-After": "31" })
    expect(await errorOf(open().enqueue(chat("full")))).toMatchObject({
      ...{ code: "queue_full", status: 429, retryAfterMs: 31_000, maybeStored: false },
    })
    queue.interfere = () => problem(503, "not_configured", { "Retry-After": "0" })
    expect((await errorOf(open().stats())).code).toBe("not_configured")
    expect(queue.exchanges).toHaveLength(2)
  })

  it("but may have been done is not tried again: a replay, a new key, a revocation", async () => {
    queue.interfere = () => "lose"
    const { keys, replay } = { keys: open().keys, replay: (id: string) => open().replay(id) }
    await errorOf(keys.issue({ name: "lost", organizationId: "org", scopes: ["read"] }))
    await errorOf(keys.revoke("unknown"))
    await errorOf(replay("req_0000000000000000000000a"))
    expect(queue.exchanges).toHaveLength(3)
    queue.reset()
    expect((await open().keys.list()).filter(({ name }) => name === "lost")).toHaveLength(1)
  })

  it("ends with the caller's signal, and with its reason", async () => {
    const controller = new AbortController()
    const reason = new Error("enough")
    queue.interfere = () => {
      controller.abort(reason)
      return problem(503, "store_unavailable", { "Retry-After": "20" })
    }
    await expect(open().status("req_0000000000000000000000a", controller)).rejects.toBe(reason)
  })
})

describe("an error", () => {
  it("tells all that the API told", async () => {
    const wrong = { ...chat("wrong"), model: "", timeoutMs: 1 }
    const error = await errorOf(open().enqueue(wrong))
    expect(error).toMatchObject({ code: "invalid_request", status: 400, name: "AIRequestQueueError" })
    expect(error.errors.map(({ path }) => path).sort()).toEqual(["/model", "/timeoutMs"])
    expect(error.requestId).toMatch(/\S/)
    expect(error.message).toBe(error.detail)
    expect((await errorOf(open({ apiKey: "another-key" }).stats())).code).toBe("unauthorized")
  })

  it("is typed when something else answers, or nothing does", async () => {
    queue.interfere = () => ({ status: 200, body: "<html>A captive portal</html>" })
    expect(await errorOf(open().stats())).toMatchObject({ code: "invalid_answer", status: 200 })
    queue.interfere = () => ({ status: 404, body: "<html>Not here</html>" })
    expect(await errorOf(open().status("req_0000000000000000000000a"))).toMatchObject({
      ...{ code: "invalid_answer", status: 404 },
    })
    const url = `http://127.0.0.1:${await freePort()}`
    expect((await errorOf(open({ url, maxRetries: 0 }).stats())).code).toBe("unreachable")
  })

  it("is a timeout when the answer does not come", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1")
    await once(silent, "listening")
    try {
      const { port } = silent.address() as AddressInfo
      const client = open({ url: `http://127.0.0.1:${port}`, timeoutMs: 50, maxRetries: 1 })
      expect(await errorOf(client.enqueue(chat("silent")))).toMatchObject({
        ...{ code: "timeout", maybeStored: true },
      })
    } finally {
      silent.closeAllConnections()
      silent.close()
    }
  })

  it("comes at once for settings that cannot work, without their text", () => {
    for (const url of [
      "queue.example.com",
      "ftp://queue",
      "http://user:secret@queue",
      "http://queue?a=secret",
    ]) {
      expect(() => open({ url })).toThrow(TypeError)
    }
    for (const apiKey of ["", "a secret\n", "sécret"]) {
      expect(() => open({ apiKey })).toThrow(/^apiKey must be(?!.*s.?cret\n)/)
    }
  })
})

function problem(status: number, code: string, headers: Record<string, string>) {
  return { status, headers, body: JSON.stringify({ status, code, detail: "As a test wants it." }) }
}
