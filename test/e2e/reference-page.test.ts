import { execFile, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import document from "../../public/openapi.json" with { type: "json" }
import { type Checkout, createCheckout, type Stack, stackStores, startStack } from "../helpers/stack.ts"

const run = promisify(execFile)
const browser = ["chromium", "chromium-browser", "google-chrome"].find(
  (program) => spawnSync(program, ["--version"]).status === 0,
)

describe.runIf(browser)("the reference page in a real browser", () => {
  let checkout: Checkout
  let stack: Stack
  let profile: string
  beforeAll(async () => {
    checkout = createCheckout(stackStores.at(-1) ?? "embedded")
    stack = await startStack(checkout)
    profile = mkdtempSync(join(tmpdir(), "aiq-browser-"))
  })
  afterAll(async () => {
    await stack.stop()
    await checkout.remove()
    rmSync(profile, { recursive: true, force: true })
  })

  it("shows every operation of the document, from this origin alone and without a complaint", async () => {
    const { stdout, stderr } = await run(
      browser ?? "",
      [
        ...["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`],
        ...["--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom", `${stack.url}/docs/`],
      ],
      { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 },
    )
    const operations = Object.values(document.paths).flatMap((path) => Object.keys(path))
    expect(stdout.match(/class="opblock opblock-/g)?.length).toBe(operations.length)
    // The browser itself complains of what a container lacks; a page's complaints are marked.
    expect(stderr.split("\n").filter((line) => line.includes("CONSOLE"))).toEqual([])
  })
})
