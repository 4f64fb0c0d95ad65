import { once } from "node:events"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { AIRequestQueueClient } from "../../../src/client/client.ts"
import { browserPath, findBarriers, type Visit, visit } from "../../helpers/browser.ts"
import { openStage, type Stage } from "../../helpers/dashboard.ts"
import { eventually } from "../../helpers/eventually.ts"
import type { Stack } from "../../helpers/stack.ts"

const TOKEN = "a-token-that-no-page-shows"
const TELEPHONE = { viewport: { width: 360, height: 740 }, reducedMotion: "reduce" } as const

describe.runIf(browserPath)("alerts, deliveries and lists in the dashboard", () => {
  let stage: Stage
  let stack: Stack
  let browser: Browser
  let admin: AIRequestQueueClient
  let receiver: Server
  let isRefusing = true
  let told: string
  beforeAll(async () => {
    receiver = createServer((call, answer) => {
      call.resume()
      answer.writeHead(isRefusing && call.url?.startsWith("/hook") ? 500 : 204).end()
    }).listen(0, "127.0.0.1")
    await once(receiver, "listening")
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
    const alerts = { url: `${url}/alerts?token=${TOKEN}`, rules: { no_drain: {} }, remindHours: 4 }
    const settings = { ALERTS: JSON.stringify(alerts), WEBHOOK_ALLOW_PRIVATE: "1" }
    stage = await openStage(settings)
    ;({ stack, browser, admin } = stage)
    const ask = {
      ...{ provider: "openai", model: "gpt-5-mini", messages: [{ role: "user" as const, content: "Hello" }] },
    }
    const callback = { url: `${url}/hook?token=${TOKEN}` }
    const [{ requestId }] = await Promise.all([
      admin.enqueue({ ...ask, organizationId: "org-1", callback }),
      admin.enqueueMany(
        Array.from({ length: 60 }, () => ({ ...ask, organizationId: "org-2", delayMs: 600_000 })),
      ),
    ])
    told = requestId
    await eventually(async () => (await admin.deliveries.listPage({ requestId })).data[0]?.state === "failed")
  })
  afterAll(async () => {
    await stage.close()
    receiver.close()
  })

  const at = (hash: string, options: { key?: string; context?: object } = {}): Promise<Visit> =>
    visit({ browser, url: stack.url, hash, ...options })

  async function end({ page, complaints, close }: Visit, refused: number[] = []) {
    expect(await findBarriers(page)).toEqual([])
    expect(await page.content()).not.toContain(TOKEN)
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0)
    expect(complaints).toEqual(refused.map((status) => expect.stringContaining(`status of ${status}`)))
    await close()
  }

  it("rules are changed while it runs, go back to the setting, and a notice is tried", async () => {
    const visitor = await at("#/alerts")
    const { page } = visitor
    await page.getByText("Nothing fires.").waitFor()
    expect(await findBarriers(page)).toEqual([])
    const seconds = page.getByRole("group", { name: "backlog_age" }).getByLabel("For so many seconds")
    await page.getByRole("checkbox", { name: /^backlog_age/ }).check()
    await seconds.fill("1")
    await page.getByRole("button", { name: "Save the rules" }).click()
    await page.getByRole("form", { name: "Rules of alerts" }).getByRole("alert").waitFor()
    expect(await seconds.getAttribute("aria-invalid")).toBe("true")
    await seconds.fill("900")
    await page.getByRole("button", { name: "Save the rules" }).click()
    await page.getByText("Saved.").waitFor()
    const { rules, changed } = await admin.alerts.read()
    expect(rules).toEqual({ no_drain: { seconds: 180 }, backlog_age: { seconds: 900 } })
    expect(changed).toEqual(["rules"])
    await page.getByRole("button", { name: "Return to the setting" }).click()
    expect(await findBarriers(page)).toEqual([])
    await page.getByRole("dialog").getByRole("button", { name: "Return to the setting" }).click()
    await page.getByText("As the setting ALERTS says").waitFor()
    expect(await page.getByRole("checkbox", { name: /^backlog_age/ }).isChecked()).toBe(false)
    // The button that was asked is gone.
    await eventually(() => page.evaluate<boolean>("document.activeElement.id === 'main'"))
    expect((await admin.alerts.read()).changed).toEqual([])
    await page.getByRole("button", { name: "Send a test notice" }).click()
    await page.getByText("alert.test").waitFor()
    await eventually(async () => (await admin.alerts.read()).notices[0]?.state === "delivered")
    await end(visitor, [400])
  })

  it("a key that may only read sees alerts without their levers, on a telephone too", async () => {
    const { key } = await admin.keys.issue({ name: "watcher", organizationId: "*", scopes: ["read"] })
    const visitor = await at("#/alerts", { key, context: TELEPHONE })
    await visitor.page.getByText("180 seconds").waitFor()
    expect(await visitor.page.getByRole("button", { name: /test notice|Save/ }).count()).toBe(0)
    await end(visitor)
  })

  it("a callback that failed is found from its request, and told again by its tenant", async () => {
    const scopes = ["enqueue" as const, "read" as const]
    const { key } = await admin.keys.issue({ name: "tenant", organizationId: "org-1", scopes })
    const visitor = await at(`#/requests/${told}`, { key, context: TELEPHONE })
    const { page } = visitor
    await page.getByRole("link", { name: "What became of it" }).click()
    await page.getByText("500: it was refused").first().waitFor()
    await page.getByText(/^\d+ tr(y|ies)$/).click()
    expect(await findBarriers(page)).toEqual([])
    isRefusing = false
    await page.getByRole("button", { name: /^Redeliver msg_/ }).click()
    await eventually(
      async () => (await admin.deliveries.listPage({ requestId: told })).data[0]?.state === "delivered",
    )
    await page.getByRole("button", { name: "Read again" }).click()
    await page.getByRole("table").getByText("delivered").waitFor()
    await page.getByRole("button", { name: /^Redeliver msg_/ }).click()
    await page.getByRole("dialog").getByRole("button", { name: "Keep it as it is" }).click()
    await page.getByLabel("State").selectOption("blocked")
    await page.getByText("No delivery is like this.").waitFor()
    await end(visitor)
  })

  it("a key for all organizations says first whose deliveries, and is told what it wrote wrongly", async () => {
    const visitor = await at("#/deliveries")
    const { page } = visitor
    await page.getByText("Name an organization or a request").waitFor()
    await page.getByLabel("Organization").fill("not an organization")
    await page.keyboard.press("Enter")
    await page.getByRole("main").getByRole("alert").waitFor()
    await page.getByLabel("Organization").fill("org-1")
    await page.keyboard.press("Enter")
    await page.getByRole("link", { name: told }).waitFor()
    await end(visitor, [400])
  })

  it("by keys alone: the filter and the pager keep the focus, and the way back leads to the same page", async () => {
    const visitor = await at("#/requests?state=scheduled")
    const { page } = visitor
    await page.getByText("Page 1, 25 rows").waitFor()
    await page.getByLabel("Organization").fill("org-2")
    await page.keyboard.press("Enter")
    await eventually(() => new URL(page.url()).hash.endsWith("organizationId=org-2"))
    const focused = () =>
      page.evaluate<string>("document.activeElement.name || document.activeElement.textContent")
    expect(await focused()).toBe("organizationId")
    await page.getByText("Page 1, 25 rows").waitFor()
    await page.getByRole("button", { name: "Older" }).focus()
    await page.keyboard.press("Enter")
    await page.getByText("Page 2, 25 rows").waitFor()
    await page.keyboard.press("Enter")
    await page.getByText("Page 3, 10 rows").waitFor()
    await page.keyboard.press("Enter")
    expect(await focused()).toBe("Older")
    await page.getByRole("row").nth(1).getByRole("link").press("Enter")
    await page.getByText("What happened").waitFor()
    expect(await page.evaluate("document.activeElement.id")).toBe("main")
    await page.goBack()
    await page.getByText("Page 3, 10 rows").waitFor()
    await page.getByRole("link", { name: "Requests", exact: true }).press("Enter")
    await page.getByText(/^Page 1/).waitFor()
    expect(await page.getByLabel("Organization").inputValue()).toBe("")
    await end(visitor)
  })

  it("an answer that comes late, for a filter that was left, changes nothing", async () => {
    const visitor = await at("#/requests?state=completed")
    const { page } = visitor
    await page.getByRole("link", { name: told }).waitFor()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let isLate = false
    await page.route(/state=scheduled/, async (route) => {
      const answer = await route.fetch()
      await held
      await route.fulfill({ response: answer })
      isLate = true
    })
    await page.getByLabel("State", { exact: true }).selectOption("scheduled")
    await page.getByText("Reading …").waitFor()
    await page.getByLabel("State", { exact: true }).selectOption("failed")
    await page.getByText("No request is like this.").waitFor()
    release()
    await eventually(() => isLate)
    expect(await page.getByText("No request is like this.").count()).toBe(1)
    await end(visitor)
  })
})
