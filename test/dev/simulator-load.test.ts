import { Agent, request } from "node:http"
import { afterAll, beforeAll, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"

let simulator: Simulator
const agent = new Agent({ keepAlive: true, maxSockets: 1400 })

beforeAll(async () => {
  simulator = await startSimulator()
})
afterAll(async () => {
  agent.destroy()
  await simulator.close()
})

/** The last bytes of a streamed answer, and in how many pieces it came. */
function stream(content: string): Promise<{ tail: string; pieces: number }> {
  const body = JSON.stringify({ model: "m", messages: [{ role: "user", content }], stream: true })
  return new Promise((resolve, reject) => {
    const url = `${simulator.baseUrls.openai}/chat/completions`
    const outgoing = request(url, { method: "POST", agent }, (response) => {
      let tail = ""
      let pieces = 0
      response.on("data", (chunk) => {
        pieces += 1
        tail = (tail + chunk).slice(-20)
      })
      response.on("end", () => resolve({ tail, pieces }))
      response.on("error", reject)
    })
    outgoing.on("error", reject).end(body)
  })
}

it("stands 1,400 streams at a time, each at its own pace, in few pieces", async () => {
  const startedAt = performance.now()
  const answers = await Promise.all(
    Array.from({ length: 1400 }, (_, i) =>
      stream(`${i} [[sim: latencyMs=1000 tokens=200 tokensPerSecond=100]]`),
    ),
  )
  expect(answers.every(({ tail }) => tail.endsWith("data: [DONE]\n\n"))).toBe(true)
  expect(simulator.maxInFlight.openai).toBeGreaterThan(1000)
  // Of 200 tokens each. The fewer they are, the more is left of the machine for what is tried out on it.
  expect(answers.reduce((sum, { pieces }) => sum + pieces, 0)).toBeLessThan(1400 * 20)
  // 3 s each; the rest is what 1,400 of them cost this process, client and server together.
  expect(performance.now() - startedAt).toBeLessThan(12_000)
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
