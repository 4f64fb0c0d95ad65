import { setTimeout as wait } from "node:timers/promises"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { AIRequestQueueClient } from "../../../src/client/client.ts"
import { browserPath, visit } from "../../helpers/browser.ts"
import { countCommands } from "../../helpers/count.ts"
import { openStage, type Stage } from "../../helpers/dashboard.ts"
import { type Stack, stackStores } from "../../helpers/stack.ts"

const MINUTE_MS = 60_000

// Only a real Redis counts its commands.
describe.runIf(browserPath && stackStores.includes("redis"))("a minute of watching", () => {
  let stage: Stage
  let stack: Stack
  let browser: Browser
  let admin: AIRequestQueueClient
  beforeAll(async () => {
    // Nothing but the page shall spend anything.
    stage = await openStage({ DEV_CRON_MS: "86400000" })
    ;({ stack, browser, admin } = stage)
  })
  afterAll(() => stage.close())

  /** Past the queue, as the bridge is. */
  const redis = {
    sendCommand: async (command: string[]) => {
      const { url, token } = stack.addresses.bridge
      const answer = await fetch(url, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(command),
      })
      return ((await answer.json()) as { result: unknown }).result
    },
  }

  it("costs no more commands than the page says, and none while it is not seen", async () => {
    await admin.levers.pauseQueue()
    const providers = ["openai", "anthropic", "deepseek"]
    const levels = ["critical", "high", "normal", "low"] as const
    await admin.enqueueMany(
      providers.flatMap((provider) =>
        levels.map((priority) => ({
          ...{ provider, priority, model: "any", organizationId: "org-1" },
          messages: [{ role: "user" as const, content: "Hello" }],
        })),
      ),
    )
    const { key } = await admin.keys.issue({ name: "watcher", organizationId: "*", scopes: ["read"] })
    const { page, complaints, close } = await visit({ browser, url: stack.url, key })
    await page.getByRole("heading", { name: "Pending" }).waitFor()
    const seen = await countCommands(redis as never, () => wait(MINUTE_MS))
    expect(seen.total, JSON.stringify(seen.byName)).toBeLessThanOrEqual(30)
    expect(seen.total).toBeGreaterThanOrEqual(8)

    // Chromium without a screen never hides a page by itself.
    await page.evaluate(`
      Object.defineProperty(document, "hidden", { value: true })
      document.dispatchEvent(new Event("visibilitychange"))
    `)
    await wait(1_000)
    const unseen = await countCommands(redis as never, () => wait(15_000))
    expect(unseen.total, JSON.stringify(unseen.byName)).toBe(0)
    expect(complaints).toEqual([])
    await close()
  })
})
