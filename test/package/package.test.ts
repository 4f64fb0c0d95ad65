import { execFile } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { promisify } from "node:util"
import { build } from "esbuild"
import { Miniflare } from "miniflare"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startTestStore, type TestStore } from "../helpers/store.ts"

const PROJECT = resolve(import.meta.dirname, "../..")
const DIST = join(PROJECT, "dist")
const BIN = join(PROJECT, "node_modules/.bin")

/** A provider that is configured; nothing calls it. */
const ENV = { OPENAI_BASE_URL: "http://127.0.0.1:1/v1" }

let consumer: string
let store: TestStore

/** A project beside ours with the packed package in its node_modules, and nothing else but what the package asks for. */
beforeAll(async () => {
  store = await startTestStore("embedded")
  await run("npm", ["run", "-s", "build"])
  consumer = mkdtempSync(join(tmpdir(), "aiq-consumer-"))
  const tarball = (await run("npm", ["pack", DIST, "--pack-destination", consumer, "--silent"])).trim()
  const modules = join(consumer, "node_modules")
  mkdirSync(modules)
  await run("tar", ["xzf", join(consumer, tarball), "-C", modules])
  cpSync(join(modules, "package"), join(modules, "ai-request-queue"), { recursive: true })
  for (const name of [...Object.keys(manifest().dependencies), "@types/node", "undici-types"]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(PROJECT, "node_modules", name), join(modules, name))
  }
  cpSync(join(import.meta.dirname, "consumer"), consumer, { recursive: true })
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ type: "module" }))
}, 120_000)

afterAll(async () => {
  rmSync(consumer, { recursive: true, force: true })
  await store.close()
})

/** Asynchronous: the store that the consumer asks lives in this process. */
async function run(command: string, args: string[], cwd = PROJECT): Promise<string> {
  const env = { ...process.env, PATH: `${BIN}:${process.env.PATH}`, ...ENV }
  const { stdout } = await promisify(execFile)(command, args, { cwd, env })
  return stdout
}

function manifest(): { dependencies: Record<string, string> } {
  return JSON.parse(readFileSync(join(DIST, "package.json"), "utf8"))
}

describe("the package", () => {
  it("has no fault that publint or are-the-types-wrong can see", async () => {
    expect(await run("publint", ["--strict", DIST])).toContain("All good!")
    expect(await run("attw", ["--pack", DIST, "--profile", "esm-only", "--no-color"])).not.toContain("❌")
  }, 60_000)

  it("type-checks in a strict project that skips nothing", async () => {
    const options = [
      "--strict",
      "--skipLibCheck",
      "false",
      "--noEmit",
      "--module",
      "nodenext",
      "--target",
      "es2024",
    ]
    await run("tsc", [...options, "--types", "node", "node.ts"], consumer)
  }, 60_000)

  it("works in Node", async () => {
    const { url, token } = store
    const flags = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]
    const said = await run(process.execPath, [...flags, "node.ts", url, token], consumer)
    expect(JSON.parse(said)).toEqual({
      state: "completed",
      answer: "Hello, gpt-5!",
      error: "AIRequestQueueError",
    })
  }, 60_000)

  it("works in a Worker", async () => {
    const bundle = await build({
      entryPoints: [join(consumer, "worker.ts")],
      ...{ bundle: true, format: "esm", write: false, conditions: ["workerd"] },
    })
    const contents = bundle.outputFiles[0]?.text ?? ""
    const miniflare = new Miniflare({
      cf: false,
      workers: [
        {
          config: {
            ...{ name: "consumer", compatibilityDate: "2026-10-23" },
            manifest: { mainModule: "main.js", modules: { "main.js": { type: "esm", contents } } },
          },
        },
      ],
    })
    try {
      const answer = await miniflare.dispatchFetch("http://consumer/", {
        method: "POST",
        body: JSON.stringify({ redis: { url: store.url, token: store.token }, env: ENV }),
      })
      expect(await answer.json()).toEqual({ state: "pending", canWait: "function" })
    } finally {
      await miniflare.dispose()
    }
  }, 60_000)

  it("brings the command line", async () => {
    const help = await run(
      process.execPath,
      [join(consumer, "node_modules/ai-request-queue/cli/main.js"), "--help"],
      consumer,
    )
    expect(help).toContain("import")
  })
})
