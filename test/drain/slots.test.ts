import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createSlots, fetchInSlot } from "../../src/drain/slots.ts"

const clock = () => Date.now()

describe("slots", () => {
  test("serve who waits longest first, and never more than there are", async () => {
    const slots = createSlots(2, clock)
    const order: number[] = []
    const releases = [await slots.acquire(), await slots.acquire()]
    const waiting = [1, 2, 3].map(async (number) => {
      const release = await slots.acquire()
      order.push(number)
      return release
    })
    expect([slots.free, slots.waiting]).toEqual([0, 3])
    releases[0]?.()
    await waiting[0]
    expect(order).toEqual([1])
    releases[1]?.()
    await waiting[1]
    expect(order).toEqual([1, 2])
    ;(await waiting[0])?.()
    await waiting[2]
    expect([slots.free, slots.waiting]).toEqual([0, 0])
  })

  test("a second release of one slot frees no other", async () => {
    const slots = createSlots(1, clock)
    const release = await slots.acquire()
    release()
    release()
    await slots.acquire()
    expect(slots.free).toBe(0)
  })

  test("an aborted wait leaves the line with its reason", async () => {
    const slots = createSlots(1, clock)
    const release = await slots.acquire()
    const controller = new AbortController()
    const aborted = slots.acquire(controller.signal)
    const next = slots.acquire()
    controller.abort(new Error("cancelled"))
    await expect(aborted).rejects.toThrow("cancelled")
    await expect(slots.acquire(controller.signal)).rejects.toThrow("cancelled")
    expect(slots.waiting).toBe(1)
    release()
    await next
    expect([slots.free, slots.waiting]).toEqual([0, 0])
  })

  test("an abort after the slot was got takes nothing away", async () => {
    const slots = createSlots(1, clock)
    const controller = new AbortController()
    const release = await slots.acquire(controller.signal)
    controller.abort()
    expect(slots.free).toBe(0)
    release()
    expect(slots.free).toBe(1)
  })

  test("expect as many as the pace of late allows, and fewer while one hangs", async () => {
    let now = 0
    const slots = createSlots(4, () => now)
    expect(slots.expectedWithin(20_000)).toBe(80)
    for (let i = 0; i < 50; i++) {
      const release = await slots.acquire()
      now += 100
      release()
    }
    expect(slots.expectedWithin(20_000)).toBeGreaterThan(780)
    await slots.acquire()
    now += 40_000
    expect(slots.expectedWithin(20_000)).toBe(2)
  })
})

describe("six connections of an invocation", () => {
  // Answers headers only when it is told to, so that the test sees how many wait for them.
  const waiting: ServerResponse[] = []
  const server = createServer((_request, response) => {
    waiting.push(response)
  })
  let url = ""
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  test("four calls and two store operations wait for headers at most; bodies that stream hold none", async () => {
    let inFlight = 0
    let most = 0
    /** Cloudflare's limit: a seventh connection would queue, with its timeout already running. */
    const limited: typeof fetch = async (...args) => {
      inFlight += 1
      most = Math.max(most, inFlight)
      try {
        return await fetch(...args)
      } finally {
        inFlight -= 1
      }
    }
    const providerSlots = createSlots(4, clock)
    const storeSlots = createSlots(2, clock)
    const through = async (slots: typeof providerSlots) => {
      const release = await slots.acquire()
      return fetchInSlot(limited, release)(url)
    }
    const calls = Array.from({ length: 40 }, (_, i) => through(i % 4 === 0 ? storeSlots : providerSlots))
    const bodies: ServerResponse[] = []
    for (let answered = 0; answered < calls.length; ) {
      await expect.poll(() => waiting.length).toBeGreaterThan(0)
      const response = waiting.shift()
      if (response === undefined) continue
      response.writeHead(200).write("first")
      bodies.push(response)
      answered += 1
    }
    const responses = await Promise.all(calls)
    expect(most).toBe(6)
    expect([providerSlots.free, storeSlots.free]).toEqual([4, 2])
    for (const body of bodies) body.end()
    expect(await Promise.all(responses.map((response) => response.text()))).toEqual(
      Array.from({ length: 40 }, () => "first"),
    )
  })

  test("a call that fails gives its slot back", async () => {
    const slots = createSlots(1, clock)
    const release = await slots.acquire()
    await expect(fetchInSlot(fetch, release)("http://127.0.0.1:1/")).rejects.toThrow()
    expect(slots.free).toBe(1)
  })
})

test("the lowest rank is served first, and of a rank who has waited longest", async () => {
  const slots = createSlots(1, clock)
  const served: string[] = []
  const release = await slots.acquire()
  const leaving = new AbortController()
  const gone = slots.acquire(leaving.signal, 0).catch(() => served.push("gone"))
  const waiting = [
    ["normal", 2],
    ["low", 3],
    ["critical", 0],
    ["normal too", 2],
    ["critical too", 0],
  ].map(async ([name, rank]) => {
    const free = await slots.acquire(undefined, Number(rank))
    served.push(String(name))
    free()
  })
  leaving.abort()
  await gone
  release()
  await Promise.all(waiting)
  expect(served).toEqual(["gone", "critical", "critical too", "normal", "normal too", "low"])
})
