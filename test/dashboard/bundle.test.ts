import { readdirSync, readFileSync } from "node:fs"
import { gzipSync } from "node:zlib"
import { expect, it } from "vitest"

/** What the page may weigh at most: docs/decisions/012-preact-and-uplot.md says what is in it. */
const MAX_GZIPPED_BYTES = 80_000

const BUILT = new URL("../../public/dashboard/", import.meta.url)

/** `npm ci`, `npm test` and `npm run build:dashboard` build it. */
const files = readdirSync(BUILT, { recursive: true, encoding: "utf8" }).filter((file) =>
  /\.(js|css)$/.test(file),
)

it("all scripts and styles of the dashboard stay small", () => {
  const sizes = files.map((file) => gzipSync(readFileSync(new URL(file, BUILT)), { level: 9 }).length)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  console.info(`dashboard: ${total} bytes gzipped`)
  expect(total).toBeGreaterThan(10_000)
  expect(total).toBeLessThanOrEqual(MAX_GZIPPED_BYTES)
})

it("the page asks for nothing but its own files, and says nothing inline", () => {
  const page = readFileSync(new URL("index.html", BUILT), "utf8")
  const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link)
  expect(links.filter((link) => !link?.startsWith("/dashboard/assets/"))).toEqual(["/docs/"])
  expect(page).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/)
})
