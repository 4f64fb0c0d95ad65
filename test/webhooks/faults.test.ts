import { describe, expect, it } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import { eventually } from "../helpers/eventually.ts"
import { settlement } from "../helpers/queue.ts"
import { startReceiver } from "./receiver.ts"
import { createScene } from "./scene.ts"
import { receiver, scene, store } from "./stage.ts"

const LEASE_MS = 60_000

const ids = () => receiver.calls.map(({ headers }) => headers["webhook-id"])

describe("whoever delivers", () => {
  it("and is gone before it could write that down: another does it again, under the same id", async () => {
    // Its call goes out, and it never hears of the answer.
    const dying = scene.sibling({
      fetch: async (...call) => {
        await fetch(...call)
        return new Promise<Response>(() => undefined)
      },
    })
    const requestId = await scene.end("completed", receiver.url)
    void dying.work()
    await eventually(() => expect(receiver.calls).toHaveLength(1))
    expect(await scene.work()).toEqual([])
    scene.clock.advance(LEASE_MS)
    expect(await scene.work()).toEqual([null])
    expect(new Set(ids())).toEqual(new Set([`msg_${requestId.slice(4)}_completed_0`]))
    expect(receiver.calls).toHaveLength(2)
    expect(await scene.stateOf(requestId)).toBe("delivered")
    scene.clock.advance(LEASE_MS)
    expect(await scene.work()).toEqual([])
  })

  it("and is gone after it wrote that down, but before it could end the chore: nothing is sent again", async () => {
    const requestId = await scene.end("completed", receiver.url)
    const [name = ""] = await scene.due()
    await scene.work()
    await scene.chores.put(name, scene.clock())
    expect(await scene.work()).toEqual([null])
    expect(receiver.calls).toHaveLength(1)
    expect(await scene.stateOf(requestId)).toBe("delivered")
  })

  it("and cannot reach the store: nothing is sent that could not be signed, and later all is", async () => {
    await scene.end("completed", receiver.url)
    store.bridge.faults.inject({ fault: "status", status: 500, contains: "webhook-secrets", times: 4 })
    await expect(scene.work()).rejects.toMatchObject({ code: "store_unavailable" })
    expect(receiver.calls).toEqual([])
    scene.clock.advance(LEASE_MS)
    expect(await scene.work()).toEqual([null])
    expect(receiver.calls).toHaveLength(1)
  })
})

describe("an outcome and the order to tell it", () => {
  it("come together or not at all, exactly once, whatever answers are lost", async () => {
    for (const script of ["settle", "cancel"] as const) {
      for (const when of ["before", "after"] as const) {
        await store.flush()
        const faulty = createScene(store)
        const state = script === "settle" ? "completed" : "cancelled"
        store.bridge.faults.inject({ fault: "drop", when, contains: scriptSha(script), times: 2 })
        const requestId = await faulty.end(state, receiver.url)
        expect(await faulty.due()).toEqual([`delivery|${requestId}|${state}|0`])
        expect((await faulty.queue.status(requestId, null))?.state).toBe(state)
      }
    }
  })

  it("are not there for a request that is retried, nor twice for one that was settled twice", async () => {
    const callback = { url: receiver.url, events: ["request.completed" as const], includeResponse: false }
    const [requestId] = await scene.queue.enqueueEach({ callback })
    const first = await scene.queue.takeOne()
    await scene.queue.settle([settlement(first, "retry")])
    expect(await scene.due()).toEqual([])
    scene.clock.advance(1000)
    const second = await scene.queue.takeOne()
    await scene.queue.settle([settlement(second, "completed"), settlement(second, "completed")])
    await scene.queue.settle([settlement(second, "completed"), settlement(first, "completed")])
    expect(await scene.due()).toEqual([`delivery|${requestId}|completed|0`])
  })
})

describe("a slow receiver", () => {
  it("is told of everything, however long its turn takes to come", async () => {
    const slow = await startReceiver()
    const held: (() => void)[] = []
    slow.behave((response) => held.push(() => response.writeHead(204).end()))
    const ids: string[] = []
    for (let each = 0; each < 4; each++) ids.push(await scene.end("completed", slow.url))
    const working = scene.work()
    await eventually(() => held.length === 2)
    for (const end of held) end()
    await working
    slow.behave({ status: 204 })
    // As their time to live would.
    await store.redis.sendCommand(["UNLINK", ...ids.map((id) => scene.queue.keys.outcome(id))])
    scene.clock.advance(60_000)
    await scene.work()
    expect(slow.calls).toHaveLength(4)
    await slow.close()
  })

  it("is called twice at once at most, and holds up no other", async () => {
    const slow = await startReceiver()
    const held: (() => void)[] = []
    slow.behave((response) => held.push(() => response.writeHead(204).end()))
    const waiting: string[] = []
    for (let each = 0; each < 5; each++) waiting.push(await scene.end("completed", slow.url))
    const other = await scene.end("completed", receiver.url)
    const work = scene.work()
    await eventually(async () => expect(await scene.stateOf(other)).toBe("delivered"))
    await eventually(() => expect(held).toHaveLength(2))
    for (const release of held.splice(0)) release()
    const again = (await work).filter((at) => at !== null)
    // The others come back at instants apart, not all at once.
    expect(again).toHaveLength(3)
    expect(new Set(again).size).toBe(3)
    slow.behave({ status: 204 })
    for (let round = 0; round < 5; round++) {
      scene.clock.set(Math.max(scene.clock(), ...again) + round * 1000)
      await scene.work()
    }
    const states = await Promise.all(waiting.map(scene.stateOf))
    expect(states).toEqual(waiting.map(() => "delivered"))
    expect(slow.busiest).toBe(2)
    await slow.close()
  })

  it("that says nothing is given up, and told again", async () => {
    receiver.behave(() => undefined)
    const hasty = scene.sibling({
      fetch: (input, init) => {
        const signal = AbortSignal.any([...(init?.signal ? [init.signal] : []), AbortSignal.timeout(50)])
        return fetch(input, { ...init, signal })
      },
    })
    const requestId = await scene.end("completed", receiver.url)
    expect(await hasty.work()).toEqual([scene.clock() + 5000])
    const [delivery] = await scene.store.deliveries.ofRequest(requestId)
    expect(delivery?.attempts).toMatchObject([{ status: null, error: "timeout" }])
  })
})
