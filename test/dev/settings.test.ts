import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { readSettings } from "../../dev/settings.ts"

const KEY = "a-key-of-sixteen-or-more"
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "aiq-settings-"))
})
afterEach(() => rmSync(root, { recursive: true }))

function settings(shell: Record<string, string>, devVars = "") {
  if (devVars !== "") writeFileSync(join(root, ".dev.vars"), devVars)
  const { settings, problems } = readSettings(root, { ADMIN_API_KEY: KEY, ...shell })
  if (settings === null) throw new Error(JSON.stringify(problems))
  return settings
}

const problems = (shell: Record<string, string>) =>
  readSettings(root, { ADMIN_API_KEY: KEY, ...shell }).problems.map(({ variable }) => variable)

describe("settings of npm start", () => {
  it("has the contract's defaults", () => {
    expect(settings({})).toMatchObject({
      port: 8787,
      cronMs: 60_000,
      store: { kind: "own" },
      needsSimulator: true,
      config: { queueName: "dev", drainConcurrency: 50, drainLanes: 4 },
    })
    expect(settings({ DRAIN_LANES: "0" }).cronMs).toBe(2_000)
  })

  it("lets the shell win over .dev.vars, also when it is empty there", () => {
    const devVars = `PORT=9000\nDEEPSEEK_API_KEY="from the file"\nOPENAI_API_KEY=kept`
    const read = settings({ PORT: "9001", DEEPSEEK_API_KEY: "" }, devVars)
    expect(read.port).toBe(9001)
    expect(read.config.providers.openai).toMatchObject({ apiKey: "kept", simulated: false })
    expect(read.config.providers.deepseek).toMatchObject({ apiKey: null, simulated: true })
  })

  it("passes on what the Worker asks for, and nothing else of the shell", () => {
    const custom =
      '[{"name":"groq","baseUrl":"https://x.example","wireFormat":"openai-chat","apiKeySecret":"GROQ"}]'
    const { vars } = settings({
      CUSTOM_PROVIDERS: custom,
      GROQ: "secret",
      MAX_RETRIES: "1",
      HOME: "/root",
      PORT: "1",
    })
    expect(vars).toMatchObject({
      CUSTOM_PROVIDERS: custom,
      GROQ: "secret",
      MAX_RETRIES: "1",
      QUEUE_NAME: "dev",
    })
    expect(Object.keys(vars)).not.toContain("HOME")
    expect(Object.keys(vars)).not.toContain("PORT")
  })

  it("makes an admin key only where there is none", () => {
    expect(settings({}).adminKeyIsNew).toBe(false)
    const made = settings({ ADMIN_API_KEY: "" })
    expect(made.adminKeyIsNew).toBe(true)
    expect(made.config.adminApiKey).toMatch(/^dev-\S{32}$/)
    expect(settings({ ADMIN_API_KEY: "" }).config.adminApiKey).not.toBe(made.config.adminApiKey)
  })

  it.each([
    [{ UPSTASH_REDIS_REST_URL: "https://eu1.upstash.io" }, false],
    [{ UPSTASH_REDIS_REST_URL: "https://127.0.0.1.example.com" }, false],
    [{ UPSTASH_REDIS_REST_URL: "https://eu1.upstash.io", ALLOW_SIMULATOR: "1" }, true],
    [{ UPSTASH_REDIS_REST_URL: "http://127.0.0.1:8079" }, true],
    [{ UPSTASH_REDIS_REST_URL: "http://localhost:8079" }, true],
    [{ REDIS_URL: "redis://127.0.0.1:6379" }, true],
    [{ ALLOW_SIMULATOR: "0" }, false],
  ])("simulates by itself only with a local store: %j %s", (shell, simulates) => {
    const read = settings({
      UPSTASH_REDIS_REST_TOKEN: "UPSTASH_REDIS_REST_URL" in shell ? "t" : "",
      ...shell,
    })
    expect(read.needsSimulator).toBe(simulates)
    expect(Object.keys(read.config.providers)).toHaveLength(simulates ? 3 : 0)
  })

  it("needs no simulator when every provider is real", () => {
    const keys = { OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "k", DEEPSEEK_BASE_URL: "http://127.0.0.1:1" }
    expect(settings(keys).needsSimulator).toBe(false)
  })

  it("prefers a REST store to a Redis, and a Redis to its own", () => {
    const rest = { UPSTASH_REDIS_REST_URL: "https://a.example", UPSTASH_REDIS_REST_TOKEN: "t" }
    const redis = { REDIS_URL: "rediss://a.example" }
    expect(settings({ ...rest, ...redis }).store).toEqual({
      kind: "upstash",
      url: "https://a.example",
      token: "t",
    })
    expect(settings(redis).store).toEqual({ kind: "redis", redisUrl: "rediss://a.example" })
  })

  it.each([
    [{ PORT: "0" }, ["PORT"]],
    [{ PORT: "65536" }, ["PORT"]],
    [{ PORT: "80.5" }, ["PORT"]],
    [{ DEV_CRON_MS: "soon" }, ["DEV_CRON_MS"]],
    [{ REDIS_URL: "http://a.example" }, ["REDIS_URL"]],
    [{ UPSTASH_REDIS_REST_TOKEN: "t" }, ["UPSTASH_REDIS_REST_URL"]],
    [{ UPSTASH_REDIS_REST_URL: "https://a.example" }, ["UPSTASH_REDIS_REST_TOKEN"]],
    [{ QUEUE_NAME: "a b", PORT: "-", MAX_RETRIES: "11" }, ["PORT", "QUEUE_NAME", "MAX_RETRIES"]],
  ])("names every bad variable of %j", (shell, expected) => {
    expect(problems(shell)).toEqual(expected)
  })
})
