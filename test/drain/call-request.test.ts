import { expect, test } from "vitest"
import { setPlainTimer } from "../../src/core/timers.ts"
import { Budget } from "../../src/drain/budget.ts"
import { type CallDeps, callRequest } from "../../src/drain/call-request.ts"
import { Hand, type HeldRequest } from "../../src/drain/hand.ts"
import { createSlots } from "../../src/drain/slots.ts"
import type { Provider } from "../../src/providers/provider.ts"
import { createKeys } from "../../src/queue/keys.ts"
import { type Ask, describeScenes, type Scene } from "./scene.ts"

const CLAIM = { owner: "test", limit: 1, maxBytes: 1_000_000, maxTimeoutMs: 600_000 }

describeScenes("the call of one request", (scene) => {
  /** Claims one request; the drain's clock can run ahead of the store's, and it may have begun long ago. */
  async function claimOne(s: Scene, ask: Ask, { aheadMs = 0, startedMsAgo = 0 } = {}) {
    await s.enqueue(ask)
    const [claimed] = (await s.queue.claim(CLAIM)).requests
    if (claimed === undefined) throw new Error("nothing was claimed")
    const clock = () => Date.now() + aheadMs
    const deps: CallDeps = {
      ...s.deps,
      clock,
      setTimer: setPlainTimer,
      slots: createSlots(1, clock),
      storeSlots: createSlots(1, clock),
      budget: new Budget(clock() - startedMsAgo, s.config),
    }
    const provider = s.deps.providers.get("openai") as Provider
    const held: HeldRequest = new Hand().take(claimed, clock())
    return { deps, held, provider, claimed, call: () => callRequest(deps, held, provider) }
  }

  /** The lease's end, as the store has it. */
  async function leaseEnd(s: Scene, requestId: string): Promise<number> {
    const key = createKeys(s.config.queueName).leases("openai")
    return Number(await s.store.redis.sendCommand(["ZSCORE", key, requestId]))
  }

  test("a lease that no longer covers it is extended first", async () => {
    const s = await scene()
    const { call, claimed, held } = await claimOne(s, { text: "hello" }, { aheadMs: 60_000 })
    expect(await leaseEnd(s, claimed.lease.requestId)).toBe(claimed.lease.expiresAt)
    expect(await call()).toMatchObject({ decision: { kind: "completed" } })
    expect(held.called).toBe(true)
    const neededMs = 60_000 + 30_000 + 10_000
    expect(await leaseEnd(s, claimed.lease.requestId)).toBeGreaterThan(claimed.lease.expiresAt)
    expect((await leaseEnd(s, claimed.lease.requestId)) - Date.now()).toBeGreaterThan(neededMs - 5000)
  })

  test("a lease that covers it costs the store nothing", async () => {
    const s = await scene()
    const { call } = await claimOne(s, { text: "hello" })
    s.store.bridge.counters.reset()
    expect(await call()).toMatchObject({ decision: { kind: "completed" } })
    expect(s.store.bridge.counters.requests).toBe(0)
  })

  test("it is not made when the lease turns out to be lost", async () => {
    const s = await scene()
    const { call, claimed, deps } = await claimOne(s, { text: "hello" }, { aheadMs: 60_000 })
    await s.queue.cancel(claimed.lease.requestId, null)
    expect(await call()).toBeNull()
    expect(s.simulator.calls).toEqual([])
    expect(deps.slots.free).toBe(1)
  })

  test("it is not made when it is aborted while the lease is extended", async () => {
    const s = await scene()
    const { call, held } = await claimOne(s, { text: "hello" }, { aheadMs: 60_000 })
    s.store.bridge.faults.inject({ fault: "delay", delayMs: 150 })
    const calling = call()
    await expect.poll(() => s.store.bridge.faults.list()[0]?.fired, { interval: 5 }).toBe(1)
    held.abort.abort()
    expect(await calling).toBeNull()
    expect([held.called, s.simulator.calls.length]).toEqual([false, 0])
  })

  test("it is handed back when the lease cannot be extended", async () => {
    const s = await scene()
    const { call } = await claimOne(s, { text: "hello" }, { aheadMs: 60_000 })
    s.store.bridge.faults.inject({ fault: "status", status: 503 })
    expect(await call()).toMatchObject({ decision: { kind: "release" }, attempt: null })
    expect(s.simulator.calls).toEqual([])
  }, 20_000)

  test("it is not made after the deadline", async () => {
    const s = await scene()
    const deadlineAt = Date.now() + 5000
    const { call } = await claimOne(s, { text: "hello", deadlineAt }, { aheadMs: 5000 })
    expect(await call()).toMatchObject({
      decision: { kind: "failed" },
      attempt: null,
      result: { error: { code: "deadline_exceeded" } },
    })
    expect(s.simulator.calls).toEqual([])
  })

  test("it is not begun when it could outlive the invocation", async () => {
    const s = await scene()
    const late = await claimOne(s, { text: "hello" }, { startedMsAgo: 840_100 })
    expect(await late.call()).toMatchObject({ decision: { kind: "release" } })
    expect(s.simulator.calls).toEqual([])
    const inTime = await claimOne(s, { text: "hello" }, { startedMsAgo: 830_000 })
    expect(await inTime.call()).toMatchObject({ decision: { kind: "completed" } })
  })

  test("its timeout does not run while it waits for a connection", async () => {
    const s = await scene()
    const ask = { text: "hello [[sim: latencyMs=700]]", timeoutMs: 1000 }
    const { call, deps } = await claimOne(s, ask)
    const release = await deps.slots.acquire()
    const calling = call()
    await expect.poll(() => deps.slots.waiting).toBe(1)
    setTimeout(release, 600)
    expect(await calling).toMatchObject({ decision: { kind: "completed" } })
  })

  test("an abort ends the wait for a connection", async () => {
    const s = await scene()
    const { call, deps, held } = await claimOne(s, { text: "hello" })
    const release = await deps.slots.acquire()
    const calling = call()
    held.abort.abort()
    expect(await calling).toBeNull()
    release()
    expect(deps.slots.free).toBe(1)
    expect(s.simulator.calls).toEqual([])
  })

  test("an adapter that throws costs its request an attempt, and nobody a connection", async () => {
    const s = await scene()
    const { deps, held } = await claimOne(s, { text: "hello" })
    const broken: Provider = {
      name: "openai",
      simulated: true,
      call: () => Promise.reject(new TypeError("secret text")),
    }
    expect(await callRequest(deps, held, broken)).toMatchObject({
      decision: { kind: "retry" },
      attempt: { error: { code: "internal" }, possiblyBilled: true },
    })
    expect(deps.slots.free).toBe(1)
    expect(JSON.stringify(s.lines)).toContain("TypeError")
    expect(JSON.stringify(s.lines)).not.toContain("secret")
  })
})
