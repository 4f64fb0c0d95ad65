import { readdirSync, readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { join } from "node:path"
import { Miniflare } from "miniflare"
import { afterAll, beforeAll } from "vitest"
import { describeConformance, type MakeCall } from "./conformance.ts"
import { anthropic } from "./fixtures/anthropic.ts"
import { openai } from "./fixtures/openai.ts"

// The same suite inside workerd: its fetch, streams and timers are not Node's.
const SRC = join(import.meta.dirname, "../../src")

const WORKER = `
import { createProviders } from "./providers/registry.ts"
import { createTimers } from "./core/timers.ts"
export default {
  async fetch(request) {
    const { settings, limits, abortAfterMs, ...call } = await request.json()
    const config = { providers: { [settings.name]: settings }, anthropicDefaultMaxTokens: 4096, anthropicVersion: "2023-06-01" }
    const controller = new AbortController()
    if (abortAfterMs === 0) controller.abort()
    if (abortAfterMs > 0) setTimeout(() => controller.abort(), abortAfterMs)
    const provider = createProviders(config, limits).get(settings.name)
    return Response.json(await provider.call({ ...call, signal: controller.signal, fetch, setTimer: createTimers() }))
  },
}`

function sourceModules(folder: string): [name: string, module: { type: "esm"; contents: string }][] {
  return readdirSync(join(SRC, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => {
      const contents = stripTypeScriptTypes(readFileSync(join(SRC, folder, file), "utf8"))
      return [`${folder}/${file}`, { type: "esm", contents }]
    })
}

let miniflare: Miniflare
beforeAll(async () => {
  const manifest = {
    mainModule: "main.js",
    modules: {
      "main.js": { type: "esm" as const, contents: WORKER },
      ...Object.fromEntries([...sourceModules("providers"), ...sourceModules("core")]),
    },
  }
  miniflare = new Miniflare({
    cf: false,
    workers: [{ config: { name: "providers", compatibilityDate: "2026-10-23", manifest } }],
  })
  await miniflare.ready
})
afterAll(() => miniflare.dispose())

const makeCall: MakeCall = async (call) => {
  const response = await miniflare.dispatchFetch("http://worker/", {
    method: "POST",
    body: JSON.stringify(call),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return JSON.parse(text)
}

for (const vendor of [openai, anthropic]) describeConformance(vendor, makeCall)
