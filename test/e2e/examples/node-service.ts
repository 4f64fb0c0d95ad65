import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { AIRequestQueue } from "../../../src/library/index.ts"
import { createApi } from "../../helpers/requests.ts"
import type { Stack } from "../../helpers/stack.ts"
import { EXAMPLES, run } from "./run-example.ts"

/** A service that asks by the library, on the store of the stack. */
export function describeNodeService(stack: () => Stack): void {
  describe("examples/node-service", () => {
    let service: ChildProcess
    let url: string
    let env: Record<string, string>
    beforeAll(async () => {
      const { bridge, simulatorUrl } = stack().addresses
      env = {
        ...{ UPSTASH_REDIS_REST_URL: bridge.url, UPSTASH_REDIS_REST_TOKEN: bridge.token, QUEUE_NAME: "dev" },
        ...{ ALLOW_SIMULATOR: "1", SIMULATOR_URL: simulatorUrl ?? "", PORT: "0" },
      }
      service = spawn(process.execPath, [join(EXAMPLES, "node-service/service.ts")], { env })
      const lines = createInterface({ input: service.stdout ?? process.stdin })
      const [said] = (await once(lines, "line")) as [string]
      url = `http://127.0.0.1:${/"port":(\d+)/.exec(said)?.[1]}/questions`
    })
    afterAll(async () => {
      const exited = once(service, "exit")
      service.kill("SIGTERM")
      expect(await exited).toEqual([0, null])
    })

    const runScript = (name: string, args: string[], more: Record<string, string> = {}) =>
      run(process.execPath, [join(EXAMPLES, "node-service", name), ...args], { ...env, ...more })

    it("ask.ts prints the answer", async () => {
      const question = "What does the library ask?"
      expect(await runScript("ask.ts", [question])).toMatch(
        new RegExp(`^completed .*${question.slice(0, -1)}`),
      )
    })

    it("work.ts completes what waits for its own service", async () => {
      const providers = [{ name: "my-service", baseUrl: "http://127.0.0.1:9/v1", wireFormat: "openai-chat" }]
      const { url: restUrl, token } = stack().addresses.bridge
      const queue = new AIRequestQueue({
        ...{
          redis: { url: restUrl, token },
          queueName: "dev",
          env: { CUSTOM_PROVIDERS: JSON.stringify(providers) },
        },
      })
      const requestId = await queue.enqueue("my-service", "model-7", [{ role: "user", content: "Hello." }])
      await runScript("work.ts", [], { ALLOW_SIMULATOR: "0" })
      const { response } = await queue.waitFor(requestId)
      expect(response?.choices[0]?.message.content).toBe("model-7 has read 1 messages.")
    })

    const ask = async (question: string) => {
      const headers = { "idempotency-key": question.slice(0, 100) }
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ question }) })
      return { status: answer.status, body: (await answer.json()) as { requestId: string; code?: string } }
    }

    it("asks once, waits for the answer that the Worker gets, and says what is wrong", async () => {
      const question = "What does a Node service ask?"
      const [first, second] = [await ask(question), await ask(question)]
      expect(first).toMatchObject({ status: 202 })
      expect(second).toEqual(first)
      const answer = await fetch(`${url}/${first.body.requestId}`)
      expect(await answer.json()).toEqual({
        ...{ state: "completed", answer: expect.stringContaining(question), error: null },
      })
      expect(await stack().calls(question)).toHaveLength(1)
      expect((await fetch(`${url}/req_unknown`)).status).toBe(404)
      expect(await ask("x".repeat(2_000_000))).toMatchObject({ status: 413, body: { code: "too_large" } })
    })

    it("stops waiting with the browser", async () => {
      const { body } = await ask("Slow [[sim: latencyMs=20000]]")
      await expect(fetch(`${url}/${body.requestId}`, { signal: AbortSignal.timeout(500) })).rejects.toThrow(
        "timeout",
      )
      expect(
        await createApi(stack().url).call("DELETE", `/v1/requests/${body.requestId}`, 200),
      ).toMatchObject({
        state: "cancelled",
      })
    })
  })
}
