import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import { chat, createApi } from "../helpers/requests.ts"
import { type Checkout, createCheckout, stackStores, startStack } from "../helpers/stack.ts"

const COUNT = 40

/** Providers that outlive the stack, so that every call of every incarnation is seen. */
let simulator: Simulator
let providers: Record<string, string>
beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 400, tokensPerSecond: 0 })
  const { openai, anthropic, deepseek } = simulator.baseUrls
  providers = { OPENAI_BASE_URL: openai, ANTHROPIC_BASE_URL: anthropic, DEEPSEEK_BASE_URL: deepseek }
})
afterAll(() => simulator.close())

let checkout: Checkout
afterEach(() => checkout.remove())

function requests(label: string) {
  const names = ["openai", "anthropic", "deepseek"]
  return Array.from({ length: COUNT }, (_, i) =>
    chat(names[i % 3] ?? "openai", `${label} ${i}.`, { timeoutMs: 5_000 }),
  )
}

const callsOf = (text: string) => simulator.calls.filter((call) => call.tag.includes(text))

/** Nothing lost, nothing doubled: so many requests are known, and each has its one outcome. */
const allCompleted = {
  scheduled: 0,
  pending: 0,
  processing: 0,
  completed: COUNT,
  failed: 0,
  cancelled: 0,
}

describe.each(stackStores.slice(-1))("over %s", (store) => {
  beforeEach(() => {
    checkout = createCheckout(store)
  })

  it("losing every fifth REST answer after its execution changes no outcome and costs no second call", async () => {
    const stack = await startStack(checkout, providers)
    const api = createApi(stack.url)
    await stack.faults("POST", { fault: "drop", when: "after", every: 5 })
    const label = `dropped ${store}`
    const requestIds = await Promise.all(requests(label).map(api.enqueueOrMaybe))
    await api.completed(requestIds, 60_000)
    expect((await stack.faults("GET"))[0]?.fired).toBeGreaterThan(10)
    await stack.faults("DELETE")

    expect(await api.counts()).toEqual(allCompleted)
    expect(callsOf(label)).toHaveLength(COUNT)
    expect(await stack.stop()).toBe(0)
  })
})
