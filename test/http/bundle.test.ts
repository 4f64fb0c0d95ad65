import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, expect, it } from "vitest"
import packageJson from "../../package.json" with { type: "json" }
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { composeServices } from "./server.ts"

const PROJECT = resolve(import.meta.dirname, "../..")
/** What it may not grow beyond. `docs/decisions/005-only-the-http-client.md` says what is in it. */
const MAX_GZIPPED_BYTES = 75_000

let folder: string
let store: TestStore
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "aiq-bundle-"))
  store = await startTestStore("embedded")
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await store.close()
})

it("the Worker's bundle stays small", () => {
  const wrangler = fileURLToPath(import.meta.resolve("wrangler"))
  const { status, stderr } = spawnSync(
    process.execPath,
    [wrangler, "deploy", "--dry-run", "--outdir", folder],
    {
      cwd: PROJECT,
      encoding: "utf8",
      env: {
        ...process.env,
        ...{
          WRANGLER_SEND_METRICS: "false",
          WRANGLER_SEND_ERROR_REPORTS: "false",
          WRANGLER_WRITE_LOGS: "false",
        },
        ...{ CLOUDFLARE_CF_FETCH_ENABLED: "false", XDG_CONFIG_HOME: join(folder, "config") },
      },
    },
  )
  expect(status, stderr).toBe(0)
  const bundle = readFileSync(join(folder, "index.js"))
  const gzipped = gzipSync(bundle, { level: 9 }).length
  console.info(`bundle: ${bundle.length} bytes, ${gzipped} gzipped`)
  expect(gzipped).toBeLessThanOrEqual(MAX_GZIPPED_BYTES)
})

it("the Worker tells the version of the package", () => {
  expect(composeServices(store, "version").version).toBe(packageJson.version)
})
