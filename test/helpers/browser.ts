import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { ADMIN_KEY } from "./stack.ts"

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"]
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/** Where the browser of this machine is; null: it has none, and what needs one is left out. */
export const browserPath =
  PROGRAMS.map((program) => spawnSync("which", [program], { encoding: "utf8" }).stdout.trim()).find(
    Boolean,
  ) ?? null
if (browserPath === null) console.warn(`No browser (${PROGRAMS.join(", ")}): its tests are skipped.`)

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: browserPath ?? "", args: ["--no-sandbox", "--disable-gpu"] })
}

/** A page of the dashboard with all that it complained of, which no test should find anything in. */
export interface Visit {
  page: Page
  /** Errors of the console and of scripts, what the policy refused, and calls of other origins. */
  complaints: string[]
  close(): Promise<void>
}

export interface VisitOptions {
  browser: Browser
  /** Of the stack, without a path. */
  url: string
  /** null: nobody signs in. */
  key?: string | null
  /** As in the address: `#/requests?state=failed`. */
  hash?: string
  context?: BrowserContextOptions
}

/** Opens the dashboard in a profile of its own, and signs in as a person would. */
export async function visit({
  browser,
  url,
  key = ADMIN_KEY,
  hash = "",
  context,
}: VisitOptions): Promise<Visit> {
  const profile = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...context })
  const page = await profile.newPage()
  // A machine of two processors under a whole suite is slow.
  page.setDefaultTimeout(60_000)
  const complaints: string[] = []
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(error.message))
  page.on("request", (request) => {
    if (!request.url().startsWith(`${url}/`)) complaints.push(`a call of ${request.url()}`)
  })
  await page.goto(`${url}/dashboard/${hash}`)
  if (key !== null) {
    await page.getByLabel("API key").fill(key)
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByRole("navigation", { name: "Pages" }).waitFor()
  }
  return { page, complaints, close: () => profile.close() }
}

/** What axe-core finds wrong on the page as it is now: `rule: where`. */
export async function findBarriers(page: Page): Promise<string[]> {
  // Evaluated, since the page's policy lets no foreign script in.
  await page.evaluate(AXE)
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    const { violations } = await axe.run()
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
  })
}
