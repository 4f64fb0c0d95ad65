import { expect, test } from "vitest"
import { describeScenes } from "../../drain/scene.ts"
import { eventually } from "../../helpers/eventually.ts"
import { openApi } from "./api.ts"

/** A second, about. */
const CALL = "[[sim: latencyMs=700 tokens=5]]"

describeScenes("GET /v1/requests/{requestId}?wait", (scene) => {
  test("answers when the request is finished", async () => {
    const s = await scene()
    const { get } = openApi(s)
    const [id = ""] = await s.enqueue({ text: CALL })
    const answered = get(`/v1/requests/${id}?wait=30`)
    await s.drain()
    const drainedAt = Date.now()
    const answer = await answered
    expect(Date.now() - drainedAt).toBeLessThan(1500)
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([200, null])
    expect(await answer.json()).toMatchObject({ requestId: id, state: "completed" })
  })

  test("answers at once when it is finished already, and without a wait", async () => {
    const s = await scene()
    const { get } = openApi(s)
    const [done = "", waiting = ""] = await s.enqueue({ text: "hello" }, { text: "later", scheduledAt: 9e12 })
    await s.drain()
    for (const path of [`${done}?wait=60`, done, waiting, `${waiting}?wait=0`]) {
      s.store.bridge.counters.reset()
      expect((await get(`/v1/requests/${path}`)).status).toBe(200)
      expect(s.store.bridge.counters.requests, path).toBe(1)
    }
  })

  test("answers with what there is when the time is up", async () => {
    const s = await scene()
    const { get } = openApi(s)
    const [id = ""] = await s.enqueue({ text: "hello" })
    const before = Date.now()
    const answer = await get(`/v1/requests/${id}?wait=1&include=messages`)
    expect(Date.now() - before).toBeGreaterThanOrEqual(1000)
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([200, "2"])
    expect(await answer.json()).toMatchObject({ state: "pending", messages: [{ content: "hello" }] })
  })

  test.each(["61", "-1", "1.5", "soon", "1e1"])("refuses %s", async (wait) => {
    const s = await scene()
    const answer = await openApi(s).get(`/v1/requests/req_1m8650amf00005356tsz986?wait=${wait}`)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ errors: [{ path: "/wait" }] })
  })

  test("waits as long as Prefer says, and tells how long that is", async () => {
    const s = await scene()
    const { get } = openApi(s)
    const [id = "", scheduled = ""] = await s.enqueue({ text: CALL }, { text: "later", scheduledAt: 9e12 })
    const answered = get(`/v1/requests/${id}`, { prefer: "respond-async, wait=600" })
    await s.drain()
    const answer = await answered
    expect(answer.headers.get("preference-applied")).toBe("wait=60")
    expect(await answer.json()).toMatchObject({ state: "completed" })
    // The query says more, and what cannot be read says nothing.
    const both = await get(`/v1/requests/${scheduled}?wait=0`, { prefer: "wait=60" })
    const neither = await get(`/v1/requests/${scheduled}`, { prefer: "wait=long" })
    expect([both, neither].map(({ headers }) => headers.get("preference-applied"))).toEqual([null, null])
  })

  test("asks the store no more once the caller has left", async () => {
    const s = await scene()
    const left = new AbortController()
    const [id = ""] = await s.enqueue({ text: "hello" })
    const answered = openApi(s).get(`/v1/requests/${id}?wait=60`, {}, left.signal)
    await eventually(() => s.store.bridge.counters.requests > 3)
    left.abort()
    await answered
    s.store.bridge.counters.reset()
    await s.drain()
    expect(await s.states([id])).toEqual(["completed"])
  })
})
