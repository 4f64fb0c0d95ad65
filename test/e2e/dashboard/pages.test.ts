import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { AIRequestQueueClient, type IssuedKey } from "../../../src/client/client.ts"
import { browserPath, findBarriers, visit } from "../../helpers/browser.ts"
import { openStage, type Stage } from "../../helpers/dashboard.ts"
import { eventually } from "../../helpers/eventually.ts"
import { ADMIN_KEY, type Stack } from "../../helpers/stack.ts"

const SECRET = "a question that nobody sees unasked"
const ANSWER = "an answer that nobody sees unasked"

describe.runIf(browserPath)("the pages of the dashboard", () => {
  let stage: Stage
  let stack: Stack
  let browser: Browser
  let admin: AIRequestQueueClient
  let tenant: IssuedKey
  let answered: string
  let others: string
  beforeAll(async () => {
    stage = await openStage()
    ;({ stack, browser, admin } = stage)
    const ask = (organizationId: string, content: string) => ({
      ...{ provider: "openai", model: "gpt-5-mini", organizationId, maxRetries: 0 },
      messages: [{ role: "user" as const, content }],
    })
    const asked = await admin.enqueueMany([
      ask("org-1", `[[sim: text="${ANSWER}"]]`),
      ...Array.from({ length: 3 }, (_, i) => ask("org-1", `${i} [[sim: error=rejected times=1]]`)),
      ask("org-2", `${SECRET} [[sim: error=rejected]]`),
    ])
    for (const { requestId } of asked) await admin.waitFor(requestId)
    answered = asked[0]?.requestId ?? ""
    others = asked.at(-1)?.requestId ?? ""
    const scopes = ["enqueue" as const, "read" as const, "cancel" as const]
    tenant = await admin.keys.issue({ name: "tenant", organizationId: "org-1", scopes })
  })
  afterAll(() => stage.close())

  /** Ends without a complaint of the browser's. */
  async function at(
    hash: string,
    key: string,
    walk: (page: Page) => Promise<void>,
    { size = [1280, 900], refused = [] as number[] } = {},
  ) {
    const [width = 0, height = 0] = size
    const context = { viewport: { width, height }, reducedMotion: "reduce" } as const
    const visitor = await visit({ browser, url: stack.url, key, hash, context })
    await walk(visitor.page)
    expect(await visitor.page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(
      width,
    )
    // The browser itself notes what was refused, once each.
    expect(visitor.complaints).toEqual(
      refused.map((status) => expect.stringContaining(`status of ${status}`)),
    )
    await visitor.close()
  }

  const PAGES = [
    ["requests", "requests?state=completed", "gpt-5-mini"],
    ["dead letters", "dead-letters", "provider_rejected"],
    ["providers", "providers", "Pause openai"],
    ["keys", "keys", "tenant"],
    ["audit", "audit", "key.issued"],
  ] as const
  it.each(PAGES)("%s: without barriers on a telephone in the dark and at a desk", async (_, hash, text) => {
    await at(
      `#/${hash}`,
      ADMIN_KEY,
      async (page) => {
        await page.getByText(text).first().waitFor()
        await page.getByLabel("Colours").selectOption("dark")
        expect(await findBarriers(page)).toEqual([])
      },
      { size: [360, 740] },
    )
    await at(`#/${hash}`, ADMIN_KEY, async (page) => {
      await page.getByText(text).first().waitFor()
      expect(await findBarriers(page)).toEqual([])
    })
  })

  it("requests are found by what the address says, and show no content unasked", async () => {
    await at("#/requests?state=completed", ADMIN_KEY, async (page) => {
      await page.getByRole("link", { name: answered }).click()
      await page.getByText("attempt 1: completed").waitFor()
      expect(await findBarriers(page)).toEqual([])
      expect(await page.content()).not.toContain(ANSWER)
      await page.getByRole("button", { name: "Show the answer" }).click()
      await page.getByText(ANSWER, { exact: true }).waitFor()
      await page.getByRole("button", { name: "Show the messages" }).click()
      await page.getByText("They are not kept any more.").waitFor()
      await page.goBack()
      await page.getByLabel("Organization").fill("org-2")
      await page.keyboard.press("Enter")
      await page.getByText("No request is like this.").waitFor()
      expect(new URL(page.url()).hash).toBe("#/requests?state=completed&organizationId=org-2")
      await page.getByLabel("State", { exact: true }).selectOption("failed")
      await page.getByRole("link", { name: others }).click()
      await page.getByText("attempt 1: failed").waitFor()
      expect(await page.content()).not.toContain(SECRET)
      await page.getByRole("button", { name: "Show the messages" }).click()
      await page.getByText(SECRET).waitFor()
      await page.goBack()
      await page.getByLabel("Id", { exact: true }).fill(answered)
      await page.getByRole("button", { name: "Show it" }).click()
      await page.getByText("attempt 1: completed").waitFor()
    })
  })

  it("one request is cancelled after a question", async () => {
    const { requestId } = await admin.enqueue({
      ...{ provider: "openai", model: "gpt-5-mini", organizationId: "org-1", delayMs: 600_000 },
      messages: [{ role: "user", content: "later" }],
    })
    await at(`#/requests/${requestId}`, tenant.key, async (page) => {
      await page.getByRole("button", { name: "Cancel it" }).click()
      const dialog = page.getByRole("dialog")
      expect(await findBarriers(page)).toEqual([])
      await dialog.getByRole("button", { name: "Keep it as it is" }).click()
      expect((await admin.status(requestId))?.state).toBe("scheduled")
      await page.getByRole("button", { name: "Cancel it" }).click()
      await dialog.getByRole("button", { name: "Cancel it" }).click()
      await page.getByText("cancelled").first().waitFor()
    })
    expect((await admin.status(requestId))?.state).toBe("cancelled")
  })

  it("a tenant sees its own requests alone, and replays its own dead letters alone", async () => {
    await at(
      `#/requests/${others}`,
      tenant.key,
      async (page) => {
        await page.getByText("is not known").waitFor()
        const pages = page.getByRole("navigation", { name: "Pages", exact: true })
        expect(await pages.getByRole("link").allTextContents()).toEqual([
          "Overview",
          "Requests",
          "Dead letters",
          "Deliveries",
        ])
        await page.goto(`${stack.url}/dashboard/#/providers`)
        await page.getByText("There is no such page, or not for this key.").waitFor()
        await page.goto(`${stack.url}/dashboard/#/dead-letters`)
        await page.getByRole("button", { name: "Replay openai, provider_rejected" }).click()
        const dialog = page.getByRole("dialog")
        await dialog.getByText("This will replay 3 requests.").waitFor()
        expect(await findBarriers(page)).toEqual([])
        await dialog.getByRole("button", { name: "Replay 3" }).click()
        await dialog.getByText("3 of 3 replayed.").waitFor()
        await dialog.getByRole("button", { name: "Close" }).click()
      },
      { refused: [404] },
    )
    expect((await admin.status(others))?.replays).toBe(0)
    // The simulator refused each once.
    await eventually(async () => {
      const { data } = await admin.listPage({ organizationId: "org-1", state: "failed" })
      return data.length === 0
    })
  })

  it("a group of dead letters is discarded after its count", async () => {
    await at("#/dead-letters", ADMIN_KEY, async (page) => {
      await page.getByRole("button", { name: "Discard openai, provider_rejected" }).click()
      const dialog = page.getByRole("dialog")
      await dialog.getByRole("button", { name: "Discard 1" }).click()
      await dialog.getByText("1 of 1 discarded.").waitFor()
      await page.keyboard.press("Escape")
      await page.getByText("There are none: nothing that was accepted has failed for good.").waitFor()
    })
    expect(await admin.status(others)).toBeNull()
  })

  it("a provider is paused, and its limits are changed where they stand", async () => {
    await at(
      "#/providers",
      ADMIN_KEY,
      async (page) => {
        await page.getByRole("button", { name: "Pause deepseek" }).click()
        await page.getByRole("button", { name: "Resume deepseek" }).first().waitFor()
        const form = page.getByRole("form", { name: "Limits of openai" })
        await form.getByLabel("Calls a minute").fill("0")
        await form.getByRole("button", { name: "Save limits" }).click()
        await form.getByRole("alert").waitFor()
        expect(await form.getByLabel("Calls a minute").getAttribute("aria-invalid")).toBe("true")
        await form.getByLabel("Calls a minute").fill("120")
        await form.getByRole("button", { name: "Save limits" }).click()
        await eventually(
          async () => (await admin.providers()).find(({ name }) => name === "openai")?.rpm === 120,
        )
        await page.getByRole("button", { name: "Pause the queue" }).click()
        await page.getByRole("button", { name: "Resume the queue" }).first().click()
        await page.getByRole("button", { name: "Pause the queue" }).waitFor()
      },
      { refused: [400] },
    )
    expect((await admin.providers()).find(({ name }) => name === "deepseek")?.paused).toBe(true)
    await admin.levers.resumeProvider("deepseek")
  })

  it("where nobody looks for alerts, changing a rule says what to set", async () => {
    await at(
      "#/alerts",
      ADMIN_KEY,
      async (page) => {
        await page.getByRole("checkbox", { name: /^no_drain/ }).check()
        await page.getByRole("button", { name: "Save the rules" }).click()
        await page.getByText("set ALERTS in the Worker's settings").waitFor()
        expect(await findBarriers(page)).toEqual([])
      },
      { refused: [409] },
    )
  })

  it("a key is issued, shown once, and revoked", async () => {
    await at("#/keys", ADMIN_KEY, async (page) => {
      await page.getByLabel("Name", { exact: true }).fill("a service")
      await page.getByLabel("Organization", { exact: true }).fill("org-3")
      await page.getByLabel("read: requests and figures").check()
      await page.getByRole("button", { name: "Issue the key" }).click()
      const shown = await page.getByRole("dialog").locator("code").textContent()
      const service = new AIRequestQueueClient({ url: stack.url, apiKey: shown ?? "" })
      expect(await service.keys.self()).toMatchObject({
        organizationId: "org-3",
        scopes: ["enqueue", "read"],
      })
      await page.getByRole("button", { name: "I have it" }).click()
      expect(await page.content()).not.toContain(shown)
      await page.getByRole("button", { name: "Revoke a service" }).click()
      await page.getByRole("dialog").getByRole("button", { name: "Revoke", exact: true }).click()
      await eventually(async () => (await page.getByRole("rowheader", { name: "a service" }).count()) === 0)
      expect((await admin.keys.list()).map(({ name }) => name)).not.toContain("a service")
    })
  })
})
