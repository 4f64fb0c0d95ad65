import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { json } from "node:stream/consumers"
import { describe, expect, it } from "vitest"
import { AIRequestQueue } from "../../../src/library/index.ts"
import type { Stack } from "../../helpers/stack.ts"
import { chatOf, EXAMPLES } from "./run-example.ts"

/** Workers of one's own, on a queue of the stack's store that its Worker does not drain. */
export function describeNodeWorkers(stack: () => Stack): void {
  describe("examples/node-workers", () => {
    const settings = () => {
      const { url, token } = stack().addresses.bridge
      return { redis: { url, token }, queueName: "workers" }
    }

    /** On a queue that no Worker drains. Gives what it printed. */
    async function whileRunning(name: string, more: Record<string, string>, act: () => Promise<void>) {
      const { bridge, simulatorUrl } = stack().addresses
      const env = {
        ...{
          UPSTASH_REDIS_REST_URL: bridge.url,
          UPSTASH_REDIS_REST_TOKEN: bridge.token,
          QUEUE_NAME: "workers",
        },
        ...{ ALLOW_SIMULATOR: "1", SIMULATOR_URL: simulatorUrl ?? "", ...more },
      }
      const child = spawn(process.execPath, [join(EXAMPLES, "node-workers", name)], { env })
      let output = ""
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          output += text
        })
      }
      const exited = once(child, "close")
      try {
        await act()
      } finally {
        child.kill("SIGTERM")
      }
      expect(await exited, output).toEqual([0, null])
      return output
    }

    it("workers.ts drains a queue, and ends on SIGTERM", async () => {
      const { simulatorUrl } = stack().addresses
      const queue = new AIRequestQueue({
        ...{ ...settings(), env: { ALLOW_SIMULATOR: "1", SIMULATOR_URL: simulatorUrl ?? "" } },
      })
      const ids = await queue.enqueueMany(Array.from({ length: 12 }, (_, i) => chatOf(`Workers ask ${i}.`)))
      const output = await whileRunning("workers.ts", {}, async () => {
        for (const id of ids) expect(await queue.waitFor(id)).toMatchObject({ state: "completed" })
      })
      const counts = /^processed (\d+) (\d+) (\d+)$/m.exec(output)?.slice(1).map(Number) ?? []
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(12)
      for (const id of ids) expect(output).toContain(`${id} took`)
    })

    it("own-service.ts calls a service of its own, and tries again what may pass", async () => {
      const bodies: unknown[] = []
      const service = createServer(async (request, response) => {
        bodies.push(await json(request))
        response.writeHead(bodies.length === 1 ? 503 : 200).end("From my service.")
      }).listen(0, "127.0.0.1")
      await once(service, "listening")
      const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
      const custom = [{ name: "my-service", baseUrl: url, wireFormat: "openai-chat" }]
      const queue = new AIRequestQueue({ ...settings(), env: { CUSTOM_PROVIDERS: JSON.stringify(custom) } })
      const requestId = await queue.enqueue("my-service", "model-7", [{ role: "user", content: "Hello." }])
      await whileRunning("own-service.ts", { SERVICE_URL: url }, async () => {
        const { response, attempts } = await queue.waitFor(requestId)
        expect(response?.choices[0]?.message.content).toBe("From my service.")
        expect(attempts[0]?.error).toMatchObject({ message: "HTTP 503" })
      })
      const messages = [{ role: "user", content: "Hello." }]
      expect(bodies).toEqual([1, 2].map(() => ({ model: "model-7", messages })))
      service.close()
    })
  })
}
