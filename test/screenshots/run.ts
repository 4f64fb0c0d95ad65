/** `npm run screenshots`: pictures of the dashboard's pages for the documents, of a stack under the demo's traffic. */
import { mkdirSync, writeFileSync } from "node:fs"
import { setTimeout as wait } from "node:timers/promises"
import type { Browser, Page } from "playwright-core"
import { openBrowser, visit } from "../helpers/browser.ts"
import { createCheckout, stackStores, startStack } from "../helpers/stack.ts"
import { encodePalette } from "./palette-png.ts"
import { sendTraffic } from "./traffic.ts"

const FOLDER = new URL("../../docs/images/", import.meta.url)
const WIDTHS = [360, 1280, 1920]
const HEIGHT = 900
/** Pages are longer on a telephone; the rest of them looks the same. */
const MAX_HEIGHT = 2_400
/** Until minutes are over, so that there is something to draw. */
const TRAFFIC_MS = Number(process.env.TRAFFIC_MS ?? 150_000)

const checkout = createCheckout(stackStores.at(-1) ?? "embedded")
const stack = await startStack(checkout, {
  DRAIN_CONCURRENCY: "4",
  DRAIN_LANES: "2",
  REDIS_COMMAND_BUDGET: "200000",
  WEBHOOK_ALLOW_PRIVATE: "1",
  ALERTS: JSON.stringify({
    url: "http://127.0.0.1:9/on-call",
    rules: { backlog_age: { seconds: 300 }, failure_rate: { percent: 25 }, breaker_open: {}, no_drain: {} },
  }),
})
const browser = await openBrowser()
try {
  mkdirSync(FOLDER, { recursive: true })
  const rounds = Math.max(1, Math.floor(TRAFFIC_MS / 50_000))
  for (let i = 0; i < rounds; i++) {
    await sendTraffic(stack.url)
    await wait(TRAFFIC_MS / rounds)
  }
  for (const width of WIDTHS) await takeAll(browser, width)
} finally {
  await browser.close()
  await stack.stop()
  await checkout.remove()
}

async function takeAll(browser: Browser, width: number): Promise<void> {
  const context = {
    viewport: { width, height: HEIGHT },
    colorScheme: width === 1920 ? "dark" : "light",
  } as const
  const { page, close } = await visit({ browser, url: stack.url, context })
  const links = await page.getByRole("navigation", { name: "Pages" }).getByRole("link").all()
  const names = await Promise.all(links.map((link) => link.getAttribute("href")))
  for (const name of names) {
    await page.goto(`${stack.url}/dashboard/${name}`)
    await page.getByRole("heading", { level: 1 }).waitFor()
    await page.locator(".loading").first().waitFor({ state: "detached" })
    const file = `dashboard-${name?.replace("#/", "")}-${width}.png`
    const picture = await take(page)
    writeFileSync(new URL(file, FOLDER), picture)
    console.log(`${file}: ${Math.round(picture.length / 1000)} kB`)
  }
  await close()
}

/** With few colours. The browser reads its own picture, for that needs no decoder here. */
async function take(page: Page): Promise<Buffer> {
  const height = await page.evaluate<number>("document.documentElement.scrollHeight")
  const clip = { x: 0, y: 0, width: page.viewportSize()?.width ?? 0, height: Math.min(height, MAX_HEIGHT) }
  const picture = await page.screenshot({ fullPage: true, clip })
  const reader = await browser.newPage()
  const pixels = await reader.evaluate<string>(`(async () => {
    const bytes = Uint8Array.from(atob("${picture.toString("base64")}"), (letter) => letter.charCodeAt(0))
    const image = await createImageBitmap(new Blob([bytes]))
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d")
    context.drawImage(image, 0, 0)
    const { data } = context.getImageData(0, 0, image.width, image.height)
    return new Uint8Array(data.buffer).toBase64()
  })()`)
  await reader.close()
  return encodePalette(Buffer.from(pixels, "base64"), clip.width, clip.height)
}
