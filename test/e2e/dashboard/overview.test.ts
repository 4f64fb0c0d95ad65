import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { AIRequestQueueClient } from "../../../src/client/client.ts"
import { browserPath, findBarriers, visit } from "../../helpers/browser.ts"
import { openStage, type Stage } from "../../helpers/dashboard.ts"
import { eventually } from "../../helpers/eventually.ts"
import type { Stack } from "../../helpers/stack.ts"

describe.runIf(browserPath)("the overview of the dashboard", () => {
  let stage: Stage
  let stack: Stack
  let browser: Browser
  let client: AIRequestQueueClient
  beforeAll(async () => {
    stage = await openStage()
    ;({ stack, browser, admin: client } = stage)
    const ask = (content: string) => ({
      ...{ provider: "openai", model: "gpt-5-mini", organizationId: "org-1" },
      messages: [{ role: "user" as const, content }],
    })
    const [done] = await client.enqueueMany([ask("Hello"), ask("[[sim: error=rejected]]")])
    await client.waitFor(done?.requestId ?? "")
  })
  afterAll(() => stage.close())

  const SIZES = [360, 1280].flatMap((width) =>
    (["light", "dark"] as const).map((colorScheme) => ({ width, colorScheme })),
  )
  it.each(SIZES)("has no barriers at $width in $colorScheme", async ({ width, colorScheme }) => {
    const context = { viewport: { width, height: 800 }, colorScheme, reducedMotion: "reduce" } as const
    const hash = "#/overview?range=24h"
    const { page, complaints, close } = await visit({ browser, url: stack.url, context, hash })
    // Of a quarter of an hour that has only begun there is nothing to be seen for a minute.
    await page.getByRole("img", { name: /^Requests a minute/ }).waitFor({ timeout: 90_000 })
    await page.getByRole("table").first().waitFor()
    expect(await findBarriers(page)).toEqual([])
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width)
    expect(complaints).toEqual([])
    await close()
  })

  it("tells on top what is wrong, and ends it with one click", async () => {
    const { page, complaints, close } = await visit({ browser, url: stack.url })
    const state = page.getByRole("region", { name: "State of the queue" })
    await state.getByText("All is well").first().waitFor()
    await client.levers.pauseProvider("openai")
    await state
      .getByText(/openai/)
      .first()
      .waitFor({ timeout: 60_000 })
    await state.getByRole("button", { name: "Resume openai" }).click()
    await state.getByText("All is well").first().waitFor()
    expect((await client.pulse()).troubles).toEqual([])
    expect(complaints).toEqual([])
    await close()
  })

  it("keeps what was read while the store is down, says so, and goes on by itself", async () => {
    const { page, close } = await visit({ browser, url: stack.url })
    const state = page.getByRole("region", { name: "State of the queue" })
    await page.getByRole("heading", { name: "Providers", exact: true }).waitFor()
    await stack.faults("POST", { fault: "status", status: 503 })
    try {
      await state.getByText("store is down").waitFor({ timeout: 60_000 })
      await page.getByRole("heading", { name: "Providers", exact: true }).waitFor()
    } finally {
      await stack.faults("DELETE")
    }
    await state.getByText("All is well").first().waitFor({ timeout: 90_000 })
    await close()
  })

  it("is worked by the keyboard alone, and the focus is seen", async () => {
    const { page, close } = await visit({ browser, url: stack.url })
    await page.getByRole("button", { name: "30 d" }).waitFor()
    // The focus is on nothing yet.
    await page.evaluate("document.activeElement?.blur()")
    await page.keyboard.press("Tab")
    const focused = () => page.evaluate<string>("document.activeElement.textContent.trim().slice(0, 40)")
    expect(await focused()).toBe("Skip to the content")
    await page.keyboard.press("Enter")
    expect(await page.evaluate("document.activeElement.id")).toBe("main")
    const seen = new Set<string>()
    while ((await focused()) !== "30 d") {
      await page.keyboard.press("Tab")
      seen.add(await focused())
      expect(seen.size).toBeLessThan(40)
      expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid")
    }
    await page.keyboard.press("Enter")
    await eventually(() => page.url().endsWith("#/overview?range=30d"))
    await page.locator("button[aria-pressed=true]", { hasText: "30 d" }).waitFor()
    await close()
  })

  it("shows a tenant's key its own requests, and nothing of the queue", async () => {
    const { key } = await client.keys.issue({ name: "shop", organizationId: "org-1", scopes: ["read"] })
    const { page, complaints, close } = await visit({ browser, url: stack.url, key })
    await page.getByRole("heading", { name: "Requests of org-1" }).waitFor()
    await page.getByText("All that are kept.").waitFor()
    expect(await page.getByRole("region", { name: "State of the queue" }).count()).toBe(0)
    expect(await findBarriers(page)).toEqual([])
    expect(complaints).toEqual([])
    await close()
  })
})
