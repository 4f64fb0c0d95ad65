import { Agent, request } from "node:http"
import { afterAll, beforeAll, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"

let simulator: Simulator
const agent = new Agent({ keepAlive: true, maxSockets: 600 })

beforeAll(async () => {
  simulator = await startSimulator()
})
afterAll(async () => {
  agent.destroy()
  await simulator.close()
})

/** The last bytes of a streamed answer. */
function stream(content: string): Promise<string> {
  const body = JSON.stringify({ model: "m", messages: [{ role: "user", content }], stream: true })
  return new Promise((resolve, reject) => {
    const url = `${simulator.baseUrls.openai}/chat/completions`
    const outgoing = request(url, { method: "POST", agent }, (response) => {
      let tail = ""
      response.on("data", (chunk) => {
        tail = (tail + chunk).slice(-20)
      })
      response.on("end", () => resolve(tail))
      response.on("error", reject)
    })
    outgoing.on("error", reject).end(body)
  })
}

it("stands 500 streams at a time, each at its own pace", async () => {
  const startedAt = performance.now()
  const tails = await Promise.all(
    Array.from({ length: 500 }, (_, i) =>
      stream(`${i} [[sim: latencyMs=300 tokens=200 tokensPerSecond=200]]`),
    ),
  )
  expect(tails.every((tail) => tail.endsWith("data: [DONE]\n\n"))).toBe(true)
  expect(simulator.maxInFlight.openai).toBeGreaterThan(400)
  // 1.3 s each; the rest is what 500 of them cost this process, client and server together.
  expect(performance.now() - startedAt).toBeLessThan(6000)
})

it("answers thousands of requests a minute at leisure", async () => {
  simulator.clearCalls()
  const startedAt = performance.now()
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 50 }, () => stream("[[sim: latencyMs=0 tokensPerSecond=0]]")))
  }
  const perMinute = 500 / ((performance.now() - startedAt) / 60_000)
  expect(simulator.calls.filter((call) => call.result === "completed")).toHaveLength(500)
  expect(perMinute).toBeGreaterThan(10_000)
})
