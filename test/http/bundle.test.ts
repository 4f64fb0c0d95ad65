import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, expect, it } from "vitest"
import { bundleProduct } from "../../bench/stack/bundle.ts"
import packageJson from "../../package.json" with { type: "json" }
import { startTestStore, type TestStore } from "../helpers/store.ts"
import { composeServices } from "./server.ts"

/** What it may not grow beyond. `docs/decisions/005-only-the-http-client.md` says what is in it. */
const MAX_GZIPPED_BYTES = 142_000

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
  const bundle = readFileSync(bundleProduct(folder).file)
  const gzipped = gzipSync(bundle, { level: 9 }).length
  console.info(`bundle: ${bundle.length} bytes, ${gzipped} gzipped`)
  expect(gzipped).toBeLessThanOrEqual(MAX_GZIPPED_BYTES)
})

it("the Worker tells the version of the package", () => {
  expect(composeServices(store, "version").version).toBe(packageJson.version)
})
