import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { freePort } from "../../../dev/port.ts"
import { AIRequestQueueClient } from "../../../src/client/client.ts"
import { browserPath, openBrowser, visit } from "../../helpers/browser.ts"
import { eventually } from "../../helpers/eventually.ts"
import { ADMIN_KEY, type Checkout, createCheckout, Stack, stackStores } from "../../helpers/stack.ts"

/** After a breaker has opened, the page names its provider within this. */
const TOLD_WITHIN_MS = 15_000

// What is killed comes back with its data.
describe.runIf(browserPath && stackStores.includes("redis"))(
  "a night on call, under the demo's traffic",
  () => {
    let checkout: Checkout
    let stack: Stack
    let browser: Browser
    let client: AIRequestQueueClient
    const start = async (port: number) => new Stack(checkout, port, { DEV_CRON_MS: "1000" }).ready()
    beforeAll(async () => {
      checkout = createCheckout("redis")
      ;[stack, browser] = await Promise.all([start(await freePort()), openBrowser()])
      client = new AIRequestQueueClient({ url: stack.url, apiKey: ADMIN_KEY })
    })
    afterAll(async () => {
      await browser.close()
      await stack.stop()
      await checkout.remove()
    })

    const stateOn = (page: Page) => page.getByRole("region", { name: "State of the queue" })

    /** Every call of the provider fails, until it is mended. */
    async function breakProvider(provider: string) {
      const script = `${stack.addresses.simulatorUrl}/__script`
      const rule = { match: { provider }, behaviour: { error: "unavailable" } }
      expect((await fetch(script, { method: "POST", body: JSON.stringify(rule) })).status).toBe(200)
      return async () => void (await fetch(script, { method: "DELETE" }))
    }

    /** Real prompts at real arrival times; ends with 0 when each request had one outcome. */
    function startDemo(): Promise<{ code: number; said: string }> {
      const env = { PATH: checkout.path, HOME: checkout.folder, AIQ_TEST_STACK: checkout.marker }
      const demo = spawn(join(checkout.path, "node"), ["dev/demo.ts", "--requests", "150", "--speed", "4"], {
        cwd: checkout.folder,
        env: { ...env, PORT: String(stack.port), ADMIN_API_KEY: ADMIN_KEY },
        stdio: ["ignore", "pipe", "pipe"],
      })
      const said = Promise.all([text(demo.stdout), text(demo.stderr)])
      return once(demo, "close").then(async ([code]) => ({ code, said: (await said).join("") }))
    }

    it("names a provider that fails, its cause and what to do; one click pauses it, and one lets it go on", async () => {
      const { page, complaints, close } = await visit({ browser, url: stack.url })
      const demo = startDemo()
      await eventually(async () => (await client.pulse()).throughput.completedLastMinute > 0, {
        withinMs: 60_000,
      })
      const mend = await breakProvider("openai")
      await eventually(async () => (await client.pulse()).providers.openai?.breaker !== "closed", {
        withinMs: 60_000,
        everyMs: 500,
      })
      const sentence = stateOn(page).locator(".words")
      await sentence.getByText("openai").first().waitFor({ timeout: TOLD_WITHIN_MS })
      expect(await sentence.textContent()).toMatch(/openai.*breaker.*provider_unavailable.*[Pp]ause openai/)
      await stateOn(page).getByRole("button", { name: "Pause openai" }).click()
      await eventually(async () => (await client.pulse()).providers.openai?.paused === true)
      await mend()
      await stateOn(page).getByRole("button", { name: "Resume openai" }).click()
      const { code, said } = await demo
      expect(code, said).toBe(0)
      expect(complaints).toEqual([])
      await close()
    })

    it("goes on by itself when everything that drains was killed, and shows the lanes that came after", async () => {
      const { page, close } = await visit({ browser, url: stack.url })
      const ask = (content: string) => ({
        ...{ provider: "anthropic", model: "claude-sonnet-5", organizationId: "org-1" },
        messages: [{ role: "user" as const, content }],
      })
      await client.enqueueMany(
        Array.from({ length: 20 }, (_, i) => ask(`[[sim: tokens=60 tokensPerSecond=30]] ${i}`)),
      )
      await eventually(async () => (await client.pulse()).counts.processing > 0)
      await stack.killAll()
      await stateOn(page).getByText("The queue cannot be reached.").waitFor()
      stack = await start(stack.port)
      await stateOn(page).getByText("No news of the queue.").waitFor({ state: "detached", timeout: 90_000 })
      const lanes = page.getByRole("region", { name: "Lanes" })
      await lanes.getByText("lane-0").first().waitFor()
      const { requestId } = await client.enqueue(ask("in the morning"))
      expect((await client.waitFor(requestId, { timeoutMs: 60_000 })).state).toBe("completed")
      await close()
    })
  },
)
