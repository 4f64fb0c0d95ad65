import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { browserPath, type Visit, visit } from "../../helpers/browser.ts"
import { openStage, type Stage } from "../../helpers/dashboard.ts"
import { ADMIN_KEY, type Stack } from "../../helpers/stack.ts"

describe.runIf(browserPath)("signing in at the dashboard", () => {
  let stage: Stage
  let stack: Stack
  let browser: Browser
  beforeAll(async () => {
    stage = await openStage()
    ;({ stack, browser } = stage)
  })
  afterAll(() => stage.close())

  const issue = async (key: object) => {
    const answer = await fetch(`${stack.url}/v1/keys`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "watcher", ...key }),
    })
    return (await answer.json()) as { key: string; keyId: string }
  }
  const enter = async ({ page }: Visit, key: string) => {
    await page.getByLabel("API key").fill(key)
    await page.getByRole("button", { name: "Sign in" }).click()
  }

  it("is a page that lets nothing in but its own files, and stands in no frame", async () => {
    const answer = await fetch(`${stack.url}/dashboard`)
    expect(answer.url).toBe(`${stack.url}/dashboard/`)
    const policy = answer.headers.get("content-security-policy") ?? ""
    const rules = Object.fromEntries(policy.split("; ").map((rule) => rule.split(/ (.*)/).slice(0, 2)))
    expect(rules).toEqual({
      ...{ "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'" },
      ...{
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
      },
    })
  })

  it("says that a key is wrong, and lets the right one in", async () => {
    const visitor = await visit({ browser, url: stack.url, key: null })
    const { page, complaints } = visitor
    await enter(visitor, "not-a-key")
    await page.getByRole("alert").getByText("This key is not known here.").waitFor()
    await enter(visitor, "no key at all")
    await page.getByRole("alert").getByText("This cannot be a key.").waitFor()
    // The browser itself notes the refused call.
    expect(complaints.splice(0)).toEqual([expect.stringContaining("401")])
    await enter(visitor, ADMIN_KEY)
    await page.getByRole("navigation", { name: "Pages" }).waitFor()
    expect(complaints).toEqual([])
    await visitor.close()
  })

  it("keeps the key in this tab alone, and until one signs out", async () => {
    const { page, complaints, close } = await visit({ browser, url: stack.url })
    await page.reload()
    await page.getByRole("navigation", { name: "Pages" }).waitFor()
    const kept = [JSON.stringify(await page.context().storageState()), page.url()]
    for (const place of kept) expect(place).not.toContain(ADMIN_KEY)
    const other = await page.context().newPage()
    await other.goto(`${stack.url}/dashboard/`)
    await other.getByLabel("API key").waitFor()
    await page.getByRole("button", { name: "Sign out" }).click()
    await page.getByLabel("API key").waitFor()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
    expect(complaints).toEqual([])
    await close()
  })

  it("asks for a key again once that of the tab is not good any more", async () => {
    const { key, keyId } = await issue({ organizationId: "*", scopes: ["read"] })
    const { page, close } = await visit({ browser, url: stack.url, key })
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    await fetch(`${stack.url}/v1/keys/${keyId}`, { method: "DELETE", headers })
    await page.getByText("The key is not good any more.").waitFor({ timeout: 90_000 })
    await page.getByLabel("API key").waitFor()
    await close()
  })
})
