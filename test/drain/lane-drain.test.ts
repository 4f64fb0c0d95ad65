import { afterEach, expect, test } from "vitest"
import type { DrainDeps } from "../../src/drain/drain.ts"
import type { Claim, ClaimOptions, RequestQueue } from "../../src/queue/contract.ts"
import { eventually } from "../helpers/eventually.ts"
import { startLanes } from "./lane-runtime.ts"
import { describeScenes, type Scene } from "./scene.ts"

const open: ReturnType<typeof startLanes>[] = []

/** The lanes of a queue, which end with the test. */
function lanesOf(s: Scene, count: number, changes: Partial<DrainDeps> = {}) {
  const runtime = startLanes({ ...s.deps, ...changes }, count)
  open.push(runtime)
  return runtime
}

/** The scene's queue, told of each claim: `before` it is sent, and `after` it was answered. */
function observed(
  s: Scene,
  { before, after }: { before?: (options: ClaimOptions) => unknown; after?: (claim: Claim) => unknown },
): RequestQueue {
  return {
    ...s.queue,
    claim: async (options) => {
      await before?.(options)
      const claim = await s.queue.claim(options)
      await after?.(claim)
      return claim
    },
    turn: async (settlements, options) => {
      await before?.(options)
      const turned = await s.queue.turn(settlements, options)
      await after?.(turned.claim)
      return turned
    },
  }
}

const completed = (s: Scene, ids: string[]) =>
  eventually(async () => (await s.states(ids)).every((state) => state === "completed"), { everyMs: 20 })

describeScenes("a lane", (scene) => {
  afterEach(async () => {
    for (const { close, problems } of open.splice(0)) {
      await close()
      expect(problems).toEqual([])
    }
  })

  test("that is woken drains, and sleeps when nothing is left", async () => {
    const s = await scene()
    const { lanes } = lanesOf(s, 1)
    const ids = await s.enqueue({ text: "a" }, { text: "b" })
    await lanes[0]?.calls.wake(0)
    await completed(s, ids)
    await eventually(() => lanes[0]?.isRunning === false)
    expect(lanes[0]?.firedAt).toHaveLength(1)
    // No sooner than what it leased could have to be taken back.
    expect(lanes[0]?.alarmAt ?? Number.POSITIVE_INFINITY).toBeGreaterThan(Date.now() + 60_000)
  })

  // Where in the life of an alarm a request comes, and its kick after it: the lane must find it, and nobody else looks.
  const moments = [
    "claim sent",
    "claim answered",
    "settle and claim sent",
    "settle and claim answered",
    "end",
  ]
  test.each(moments)("loses no kick that comes with: %s", async (moment) => {
    const s = await scene()
    let late: string[] = []
    const store = async () => {
      late = await s.enqueue({ text: "late" })
    }
    const kick = () => runtime.lanes[0]?.calls.wake(0)
    let claims = 0
    const reached = async (what: string) => {
      const now = `${["", "claim", "settle and claim"][claims]} ${what}`
      if (moment === "end" ? now !== "settle and claim answered" : now !== moment) return
      await store()
      if (moment !== "end") await kick()
    }
    const queue = observed(s, {
      before: async () => {
        claims += 1
        await reached("sent")
      },
      after: () => reached("answered"),
    })
    const log = {
      ...s.deps.log,
      // The drain has decided to end, and the alarm has not.
      info: (event: string) => {
        if (moment === "end" && event === "drain" && runtime.lanes[0]?.firedAt.length === 1) void kick()
      },
    }
    const runtime = lanesOf(s, 1, { queue, log })
    const first = await s.enqueue({ text: "first" })
    await kick()
    await eventually(() => late.length === 1)
    await completed(s, [...first, ...late])
    expect(s.simulator.calls).toHaveLength(2)
    expect(runtime.lanes[0]?.firedAt).toHaveLength(moment === "end" ? 2 : 1)
  })

  test("claims at once when it is kicked while a call runs", async () => {
    const s = await scene()
    const { lanes } = lanesOf(s, 1)
    await s.enqueue({ text: "slow [[sim: latencyMs=3000]]" })
    await lanes[0]?.calls.wake(0)
    await eventually(() => s.simulator.inFlight.openai === 1)
    const quick = await s.enqueue({ text: "quick" })
    await lanes[0]?.calls.wake(0)
    await completed(s, quick)
    expect(s.simulator.inFlight.openai).toBe(1)
    expect(lanes[0]?.firedAt).toHaveLength(1)
  }, 15_000)

  test("wakes in time for what is due later, and the others leave that to the first", async () => {
    const s = await scene()
    const { lanes } = lanesOf(s, 2)
    const dueAt = Date.now() + 3500
    const ids = await s.enqueue({ text: "due", scheduledAt: dueAt })
    await lanes[1]?.calls.wake(0)
    await eventually(() => lanes[0]?.asked.length === 1)
    expect(lanes[1]?.alarmAt).toBeNull()
    expect(lanes[0]).toMatchObject({ alarmAt: dueAt, asked: [{ wake: dueAt }] })
    await completed(s, ids)
    expect(s.simulator.calls[0]?.startedAt).toBeGreaterThanOrEqual(dueAt)
    expect(lanes[1]?.firedAt).toHaveLength(1)
  }, 15_000)

  test("that is told of an instant while it drains looks then", async () => {
    const s = await scene()
    const { lanes } = lanesOf(s, 1)
    await s.enqueue({ text: "slow [[sim: latencyMs=3000]]" })
    await lanes[0]?.calls.wake(0)
    await eventually(() => s.simulator.inFlight.openai === 1)
    const ids = await s.enqueue({ text: "due", scheduledAt: Date.now() + 300 })
    await lanes[0]?.calls.wake(Date.now() + 300)
    await completed(s, ids)
    expect(s.simulator.inFlight.openai).toBe(1)
  }, 15_000)

  test("that has more than it can take on wakes the next, once a second at most", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "2" })
    const { lanes } = lanesOf(s, 3)
    await s.enqueue(...Array.from({ length: 6 }, (_, i) => ({ text: `${i} [[sim: latencyMs=2500]]` })))
    await lanes[0]?.calls.wake(0)
    await eventually(() => s.simulator.inFlight.openai === 6)
    expect(s.simulator.calls).toHaveLength(6)
    await eventually(() => lanes.every(({ isRunning }) => !isRunning))
    for (const lane of lanes.slice(1)) expect(lane.asked.length).toBeLessThanOrEqual(4)
    expect(s.simulator.calls).toHaveLength(6)
  }, 15_000)

  test("wakes no other for what it can start soon itself", async () => {
    const s = await scene()
    const { lanes } = lanesOf(s, 2)
    const ids = await s.enqueue(...Array.from({ length: 4 }, (_, i) => ({ text: `${i}` })))
    await lanes[0]?.calls.wake(0)
    await completed(s, ids)
    await eventually(() => lanes[0]?.isRunning === false)
    expect(lanes[1]?.asked).toEqual([])
  })

  test("claims for 270 s; then another takes what is left while its calls end", async () => {
    const s = await scene({ DRAIN_CONCURRENCY: "1" })
    let skewMs = 0
    const { lanes } = lanesOf(s, 2, { clock: () => Date.now() + skewMs })
    await s.enqueue({ text: "slow [[sim: latencyMs=2500]]" })
    await lanes[0]?.calls.wake(0)
    await eventually(() => s.simulator.inFlight.openai === 1)
    skewMs = 271_000
    const ids = await s.enqueue({ text: "next" })
    await lanes[0]?.calls.wake(0)
    await completed(s, ids)
    expect(s.simulator.inFlight.openai).toBe(1)
    expect(lanes[1]?.firedAt).toHaveLength(1)
  }, 15_000)

  test("that claims no more passes on the room that its last calls leave", async () => {
    const s = await scene()
    await s.queue.setLimits("openai", { concurrency: 1 })
    let skewMs = 0
    const { lanes } = lanesOf(s, 2, { clock: () => Date.now() + skewMs })
    // Its lease outlives the time in which the lane claims, so that nothing else wakes anybody.
    const ids = await s.enqueue(
      { text: "slow [[sim: latencyMs=1500]]", timeoutMs: 600_000 },
      { text: "next", timeoutMs: 600_000 },
    )
    await lanes[0]?.calls.wake(0)
    await eventually(() => s.simulator.inFlight.openai === 1)
    skewMs = 271_000
    await completed(s, ids)
  }, 15_000)

  test("without others goes on claiming", async () => {
    const s = await scene()
    let skewMs = 0
    const { lanes } = lanesOf(s, 1, { clock: () => Date.now() + skewMs })
    await s.enqueue({ text: "slow [[sim: latencyMs=2500]]" })
    await lanes[0]?.calls.wake(0)
    await eventually(() => s.simulator.inFlight.openai === 1)
    skewMs = 271_000
    const ids = await s.enqueue({ text: "next" })
    await lanes[0]?.calls.wake(0)
    await completed(s, ids)
    expect(s.simulator.inFlight.openai).toBe(1)
    expect(lanes[0]?.firedAt).toHaveLength(1)
  }, 15_000)

  test("that has spent its subrequests goes on in its next alarm, at once", async () => {
    const s = await scene({ SUBREQUEST_LIMIT: "20" })
    const { lanes } = lanesOf(s, 1)
    const ids = await s.enqueue(...Array.from({ length: 12 }, (_, i) => ({ text: `${i}` })))
    await lanes[0]?.calls.wake(0)
    await completed(s, ids)
    expect(lanes[0]?.firedAt.length).toBeGreaterThan(1)
    expect(s.simulator.calls).toHaveLength(12)
  })

  test("claims under another name in each alarm, and tells what it has done since its last claim", async () => {
    const s = await scene()
    const claims: ClaimOptions[] = []
    const { lanes } = lanesOf(s, 1, { queue: observed(s, { before: (options) => claims.push(options) }) })
    for (const text of ["good", "bad [[sim: error=invalid_request]]"]) {
      const [id = ""] = await s.enqueue({ text })
      await lanes[0]?.calls.wake(0)
      await eventually(async () => (await s.queue.status(id, null))?.finishedAt != null)
      await eventually(() => lanes[0]?.isRunning === false)
    }
    const owners = [...new Set(claims.map(({ owner }) => owner))]
    expect(owners).toEqual([expect.stringMatching(/^lane-0:\w+$/), expect.stringMatching(/^lane-0:\w+$/)])
    const nothing = { completed: 0, failed: 0, retried: 0, errors: 0, lastError: null }
    expect(claims.map(({ done }) => done)).toEqual([
      undefined,
      { ...nothing, completed: 1 },
      undefined,
      { ...nothing, failed: 1, lastError: "provider_rejected" },
    ])
  })

  test("ends the call of a request that was cancelled, as soon as it is told", async () => {
    const s = await scene()
    const { lanes, known } = lanesOf(s, 1)
    const [id = ""] = await s.enqueue({ text: "stalls [[sim: fault=stall tokens=50]]" })
    await lanes[0]?.calls.wake(0)
    await eventually(() => s.simulator.inFlight.openai === 1)
    // It would see it by itself within two seconds: then it asks for lost leases.
    const lostLeases = s.store.bridge.counters.requests
    const cancelled = await s.queue.cancel(id, null)
    if (cancelled.kind !== "cancelled" || cancelled.owner === null) throw new Error("nobody holds it")
    await known.abort(cancelled.owner, id, cancelled.attempt)
    await eventually(() => s.simulator.calls[0]?.result === "aborted", { everyMs: 5 })
    expect(s.store.bridge.counters.requests - lostLeases).toBeLessThanOrEqual(3)
    await eventually(() => lanes[0]?.isRunning === false)
  })

  test("over a store that is away tries again by itself, and keeps what it has to tell", async () => {
    const s = await scene()
    let skewMs = 0
    const told: unknown[] = []
    const queue = observed(s, { before: ({ done }) => void (done && told.push(done)) })
    const { lanes } = lanesOf(s, 1, { queue, clock: () => Date.now() + skewMs })
    const ids = await s.enqueue({ text: "waits" })
    s.store.bridge.faults.inject({ fault: "status", status: 500 })
    await lanes[0]?.calls.wake(0)
    await eventually(() => lanes[0]?.isRunning === false && lanes[0].firedAt.length === 1, {
      withinMs: 20_000,
    })
    expect(lanes[0]?.alarmAt).toBeGreaterThan(Date.now())
    s.store.bridge.faults.clear()
    told.length = 0
    skewMs = 20_000
    await lanes[0]?.calls.wake(0)
    await completed(s, ids)
    expect(told[0]).toMatchObject({ errors: 3, lastError: "store_unavailable" })
  }, 30_000)
})
