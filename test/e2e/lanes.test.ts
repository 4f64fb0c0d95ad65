import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import { eventually } from "../helpers/eventually.ts"
import { chat, createApi } from "../helpers/requests.ts"
import { type Checkout, createCheckout, type Stack, stackStores, startStack } from "../helpers/stack.ts"

/** One that outlives the stack, so that every call of every incarnation is seen. */
let simulator: Simulator
let env: Record<string, string>
beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 20, tokensPerSecond: 0 })
  env = { OPENAI_BASE_URL: simulator.baseUrls.openai, DRAIN_LANES: "3", DEV_CRON_MS: "3600000" }
})
afterAll(() => simulator.close())

const callsOf = (text: string) => simulator.calls.filter((call) => call.tag.includes(text))

/** What the bridge has served. */
async function roundTrips({ addresses: { bridge } }: Stack): Promise<number> {
  const headers = { authorization: `Bearer ${bridge.token}` }
  const answer = await fetch(`${bridge.url}/__counters`, { headers })
  return ((await answer.json()) as { requests: number }).requests
}

describe.each(stackStores.slice(-1))(
  "lanes on the %s store, with a cron that comes once an hour",
  (store) => {
    let checkout: Checkout
    beforeEach(() => {
      checkout = createCheckout(store)
    })
    afterEach(() => checkout.remove())

    it("call what is enqueued, spread a flood, and do nothing when there is nothing to do", async () => {
      const stack = await startStack(checkout, { ...env, DRAIN_CONCURRENCY: "2" })
      const api = createApi(stack.url)
      await api.completed([await api.enqueue(chat("openai", `lone on ${store}`))])

      const text = `flood on ${store}`
      const flood = await api.enqueueBulk(
        Array.from({ length: 6 }, (_, i) => chat("openai", `${text} ${i} [[sim: latencyMs=4000]]`)),
      )
      await eventually(() => callsOf(text).filter(({ result }) => result === null).length === 6)
      await api.completed(flood)
      expect(callsOf(text)).toHaveLength(6)

      const quiet = await eventually(
        async () => {
          const before = await roundTrips(stack)
          const from = Date.now()
          await eventually(() => Date.now() > from + 3000)
          return before === (await roundTrips(stack)) && before
        },
        { withinMs: 30_000 },
      )
      expect(quiet).toBeGreaterThan(0)
      expect(await stack.stop()).toBe(0)
    })
  },
)
