import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { findLeaks } from "../helpers/conserved.ts"
import { createTestQueue, type TestQueue } from "../helpers/queue.ts"
import { readRawQueue } from "../helpers/raw-queue.ts"
import { bestStoreUnderTest, type TestStore } from "../helpers/store.ts"
import { ADMIN_KEY, type Answer, type Call, composeServices, createCall } from "../http/server.ts"
import { isFull } from "./effort.ts"
import { FAULTS, isHarmless } from "./rest/faults.ts"
import { type Asked, HTTP_CALLS, type HttpCall, readSummary } from "./rest/http-calls.ts"
import { recordFault } from "./tally.ts"

/** On a real Redis and on the embedded store. */
const CHOSEN = {
  redis: /ends before|reset after|into a 500|429|502 before|twice|forgotten/,
  embedded: isFull ? /twice/ : /reset after/,
}
const ENDS_WELL = "the true answer; what an undisturbed queue holds"
const ENDS_CLEARLY = "503 store_unavailable, what was perhaps stored by name; safe to repeat"

let queues = 0

describe.each(bestStoreUnderTest())(
  "the HTTP API over a failing way to the $name store",
  ({ name, start }) => {
    let store: TestStore
    const tried = new Map<string, number>()
    const count = (fault: string) => tried.set(fault, (tried.get(fault) ?? 0) + 1)
    beforeAll(async () => {
      store = await start()
    })
    beforeEach(() => {
      vi.spyOn(console, "error").mockImplementation(() => undefined)
      // Without chance the store is asked again at once.
      vi.spyOn(Math, "random").mockReturnValue(0)
    })
    afterEach(() => {
      store.bridge.faults.clear()
      vi.restoreAllMocks()
    })
    afterAll(async () => {
      await store.close()
      for (const [fault, times] of tried) {
        const seen = fault.endsWith("for good") ? ENDS_CLEARLY : ENDS_WELL
        recordFault({ table: "rest", fault: `HTTP: ${fault} (${name} store)`, tried: times, seen })
      }
    })

    interface Site {
      queue: TestQueue
      ask(): Promise<Answer>
      call: Call
    }

    async function open({ prepare }: HttpCall): Promise<Site> {
      const queueName = `http-${++queues}`
      const call = createCall(composeServices(store, queueName))
      const queue = createTestQueue(store, { name: queueName, clock: Object.assign(Date.now, NO_MOVING) })
      const { method, path, body, idempotencyKey }: Asked = await prepare(call, queue)
      return { queue, call, ask: () => call(method, path, body, ADMIN_KEY, idempotencyKey) }
    }

    async function summaryOf({ queue }: Site): Promise<Record<string, unknown>> {
      expect(findLeaks(await readRawQueue(store.redis, queue.name), Date.now())).toEqual([])
      return readSummary(store.redis, queue.name)
    }

    const faults = Object.entries(FAULTS).filter(([what]) => CHOSEN[name].test(what))
    for (const [what, rule] of faults) {
      test.each(HTTP_CALLS)(`$what is answered as ever when ${what}`, async (httpCall) => {
        const [site, twin] = [await open(httpCall), await open(httpCall)]
        store.bridge.faults.inject({ ...rule, times: 3 })
        const answer = await site.ask()
        store.bridge.faults.clear()
        expect(answer.status).toBe(httpCall.status)
        expect((await twin.ask()).status).toBe(httpCall.status)
        expect(await summaryOf(site)).toEqual(await summaryOf(twin))
        count(what)
      })
      if (isHarmless(rule)) continue
      test.each(HTTP_CALLS)(`$what is refused clearly when ${what} again and again`, async (httpCall) => {
        const [site, twin] = [await open(httpCall), await open(httpCall)]
        store.bridge.faults.inject(rule)
        const refusal = await site.ask()
        store.bridge.faults.clear()
        await expectClear(httpCall, refusal, site, rule.when === "after")
        count(`${what}, for good`)
        expect((await twin.ask()).status).toBe(httpCall.status)
        if (httpCall.isNewWhenRepeated) return
        const { statusWhenRepeated = httpCall.status } = httpCall
        expect([httpCall.status, statusWhenRepeated]).toContain((await site.ask()).status)
        expect(once(await summaryOf(site))).toEqual(once(await summaryOf(twin)))
      })
    }

    /** The caller knows what has happened, or where to look. */
    async function expectClear(httpCall: HttpCall, refusal: Answer, { call }: Site, wasExecuted: boolean) {
      const { status, headers, body } = refusal
      expect({ status, code: body.code }).toEqual({ status: 503, code: "store_unavailable" })
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0)
      expect(headers.get("x-request-id")).toMatch(/\S/)
      const { names } = httpCall
      if (names === undefined) return expect(body).not.toHaveProperty("maybeStored")
      expect(body.maybeStored).toBe(true)
      const ids: string[] = [body[names]].flat()
      expect(ids.length).toBeGreaterThan(0)
      if (names === "keyId") {
        const { data } = (await call("GET", "/v1/keys")).body as { data: { keyId: string }[] }
        return expect(data.map(({ keyId }) => keyId)).toEqual(wasExecuted ? ids : [])
      }
      const looks = await Promise.all(ids.map((id) => call("GET", `/v1/requests/${id}`)))
      expect(looks.map((look) => look.status)).toEqual(ids.map(() => (wasExecuted ? 200 : 404)))
    }

    test("reads are refused clearly, and health says down", async () => {
      const call = createCall(composeServices(store, "http-reads"))
      store.bridge.faults.inject({ fault: "reset" })
      for (const path of [
        "requests?state=pending",
        "requests/req_1m863y7wd000087qc1q7ppy",
        "stats",
        "keys",
        "audit",
      ]) {
        const { status, body } = await call("GET", `/v1/${path}`)
        expect({ path, status, code: body.code }).toEqual({ path, status: 503, code: "store_unavailable" })
        expect(body).not.toHaveProperty("maybeStored")
      }
      expect(await call("GET", "/v1/health")).toMatchObject({ status: 503, body: { status: "down" } })
    })
  },
)

/** It goes by itself. */
const NO_MOVING = { set: () => undefined, advance: () => undefined }

/** Who asks twice stands in the audit twice. */
function once(summary: Record<string, unknown>): Record<string, unknown> {
  return { ...summary, audit: [...new Set(summary.audit as string[])] }
}
