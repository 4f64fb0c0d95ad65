import { execFile } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import type { FaultRule } from "../../dev/bridge/faults.ts"
import { examine } from "../../dev/doctor/examine.ts"
import type { Finding } from "../../dev/doctor/finding.ts"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import { createTestQueue } from "../helpers/queue.ts"
import { storesUnderTest, type TestStore } from "../helpers/store.ts"

const DOCTOR = resolve(import.meta.dirname, "../../dev/doctor.ts")
const SECRETS = {
  ADMIN_API_KEY: "planted-admin-key-1",
  OPENAI_API_KEY: "planted-openai-key-2",
  ANTHROPIC_API_KEY: "planted-anthropic-key-3",
  DEEPSEEK_API_KEY: "planted-deepseek-key-4",
}
const WRONG_TOKEN = "planted-wrong-token-5"

/** Where `.dev.vars` and `.data` are looked for. */
let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "aiq-doctor-"))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function diagnose(env: NodeJS.ProcessEnv, local = false): Promise<Finding[]> {
  const findings = await examine(root, env, local)
  expectNoSecret(JSON.stringify(findings))
  for (const { level, remedy } of findings) expect(remedy === null).toBe(level === "ok")
  return findings
}

function expectNoSecret(output: string): void {
  for (const secret of [...Object.values(SECRETS), WRONG_TOKEN, "test-token"]) {
    expect(output).not.toContain(secret)
  }
}

/** What it says of one thing. */
function about(findings: Finding[], check: string): Finding | undefined {
  return findings.find((finding) => finding.check === check)
}

async function runDoctor(env: NodeJS.ProcessEnv, ...args: string[]) {
  const full = { PATH: process.env.PATH, ...env }
  return new Promise<{ code: unknown; output: string }>((done) => {
    execFile(process.execPath, [DOCTOR, ...args], { cwd: root, env: full }, (error, stdout, stderr) => {
      expectNoSecret(stdout + stderr)
      done({ code: error === null ? 0 : error.code, output: stdout + stderr })
    })
  })
}

const answer = (contains: string, body: object, status = 400): FaultRule => ({
  ...{ fault: "status", contains, status, body: JSON.stringify(body) },
})
const NO_PERMISSION = "NOPERM this user has no permissions to run the 'set' command"
/** What, how, what is looked at, and what is said of it. */
const FAULTS: [string, FaultRule[], string, Finding["level"], string][] = [
  ["a slow way to it", [{ fault: "delay", contains: "PING", delayMs: 110 }], "latency", "warning", "PING"],
  ["lost answers", [{ fault: "drop", contains: "PING", every: 5 }], "latency", "problem", "failed"],
  [
    "a store that hides its eviction",
    [answer("CONFIG", { error: "ERR no" }), answer("INFO", { error: "ERR no" })],
    ...(["eviction", "warning", "unknown"] as const),
  ],
  ["a token that may only read", [answer("SET", { error: NO_PERMISSION })], "expiry", "problem", "only read"],
  ["a full store", [answer("SET", { error: "OOM command not allowed" })], "expiry", "problem", "OOM"],
  ["an immortal key", [answer('"GET","aiq', { result: "1" }, 200)], "expiry", "problem", "outlives"],
  ["no scripts", [answer("EVALSHA", { error: "ERR Error running script" })], "scripts", "problem", "not run"],
  ["scripts that are forgotten", [answer("SCRIPT", { result: [0] }, 200)], "scripts", "warning", "keeps"],
  ["a clock far off", [answer("TIME", { result: ["1700000000", "0"] }, 200)], "clock", "problem", "ahead"],
  ["no clock", [answer("TIME", { error: "ERR no" })], "clock", "warning", "unknown"],
]

describe.each(storesUnderTest())("the doctor of the $name store", ({ name, start }) => {
  let store: TestStore
  let env: Record<string, string>
  beforeAll(async () => {
    store = await start()
    const access = { UPSTASH_REDIS_REST_URL: store.url, UPSTASH_REDIS_REST_TOKEN: store.token }
    env = { ...access, ADMIN_API_KEY: SECRETS.ADMIN_API_KEY, QUEUE_NAME: "doctor" }
  })
  afterEach(() => store.flush())
  afterAll(() => store.close())

  it("finds nothing wrong, a line each, and leaves nothing behind", async () => {
    const { code, output } = await runDoctor(env)
    expect(output).toContain("All is well.")
    expect(code).toBe(0)
    const lines = output.split("\n").filter((line) => /^ {2}[✓!✗]/.test(line))
    expect(lines.map((line) => line.split(/\s+/)[2])).toEqual(
      "settings store latency eviction expiry clock scripts queue openai anthropic deepseek".split(" "),
    )
    expect(lines.every((line) => line.startsWith("  ✓ "))).toBe(true)
    expect(await store.redis.sendCommand(["DBSIZE"])).toBe(0)
  })

  it("tells machines the same, and exits 1 when something must be fixed", async () => {
    const { code, output } = await runDoctor({ ...env, UPSTASH_REDIS_REST_TOKEN: WRONG_TOKEN }, "--json")
    const { ok, findings } = JSON.parse(output) as { ok: boolean; findings: Finding[] }
    expect({ code, ok }).toEqual({ code: 1, ok: false })
    expect(about(findings, "store")).toMatchObject({
      level: "problem",
      message: expect.stringContaining("refuses the token"),
      remedy: expect.stringContaining("UPSTASH_REDIS_REST_TOKEN"),
    })
    expect(about(findings, "latency"), "nothing more of a store that does not let us in").toBeUndefined()
  })

  it("says what the queue holds, and what is stuck in it", async () => {
    const queue = createTestQueue(store, { name: "doctor", settings: { providers: ["openai", "groq"] } })
    await queue.enqueueEach({ provider: "openai" }, { provider: "openai" }, { provider: "groq" })
    await queue.setPaused("openai", true)
    const findings = await diagnose(env)
    const queueFindings = findings.filter(({ check }) => check === "queue")
    expect(queueFindings.map(({ level, message }) => [level, message])).toEqual([
      ["ok", "doctor: 3 pending; never drained"],
      ["warning", "1 pending for groq, which is not configured"],
      ["warning", "openai is paused"],
    ])
  })

  // The bridge's doing, so one store is enough.
  const faults = name === "embedded" ? FAULTS : []
  it.each(faults)("finds %s", async (_what, rules, check, level, message) => {
    for (const rule of rules) store.bridge.faults.inject(rule)
    const finding = about(await diagnose(env), check)
    expect(finding).toMatchObject({ level, message: expect.stringContaining(message) })
  })

  const evicting = name === "redis" ? ["allkeys-lru", "volatile-ttl"] : []
  it.each(evicting)("finds a store that evicts: %s", async (policy) => {
    await store.redis.sendCommand(["CONFIG", "SET", "maxmemory-policy", policy])
    const finding = about(await diagnose(env), "eviction")
    await store.redis.sendCommand(["CONFIG", "SET", "maxmemory-policy", "noeviction"])
    expect(finding).toMatchObject({ level: "problem", message: expect.stringContaining(policy) })
  })

  it("looks at the local stack when no store is configured, or when told to", async () => {
    const local = { PORT: "8999", ADMIN_API_KEY: SECRETS.ADMIN_API_KEY }
    expect(about(await diagnose(local), "store")).toMatchObject({
      level: "problem",
      remedy: expect.stringContaining("npm start"),
    })
    const folder = join(root, ".data", "stack-8999")
    mkdirSync(folder, { recursive: true })
    const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = env
    const addresses = { store: { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } }
    writeFileSync(join(folder, "stack.json"), JSON.stringify(addresses))
    expect(about(await diagnose(local), "store")?.level).toBe("ok")
    const elsewhere = {
      ...local,
      UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9",
      UPSTASH_REDIS_REST_TOKEN: "t",
    }
    expect(about(await diagnose(elsewhere), "store")?.level).toBe("problem")
    expect(about(await diagnose(elsewhere, true), "store")?.level).toBe("ok")
    rmSync(folder, { recursive: true })
  })
})

describe("the doctor of the settings", () => {
  it.each([
    ["DRAIN_CONCURRENCY", { DRAIN_CONCURRENCY: "lots" }],
    ["UPSTASH_REDIS_REST_URL", { UPSTASH_REDIS_REST_URL: "redis://default:pw@example.com:6379" }],
    ["UPSTASH_REDIS_REST_TOKEN", { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9" }],
  ])("names %s", async (variable, env) => {
    const settings = about(await diagnose({ ADMIN_API_KEY: SECRETS.ADMIN_API_KEY, ...env }), "settings")
    expect(settings).toMatchObject({ level: "problem", message: expect.stringContaining(variable) })
    expect(settings?.remedy).toContain(variable)
  })

  it("reads .dev.vars, over which the shell wins", async () => {
    const file = join(root, ".dev.vars")
    writeFileSync(file, "MAX_RETRIES=many\n")
    expect(about(await diagnose({}), "settings")?.message).toContain("MAX_RETRIES")
    expect(about(await diagnose({ MAX_RETRIES: "1" }), "settings")?.level).toBe("ok")
    rmSync(file)
  })
})

describe("the doctor of the providers", () => {
  let simulator: Simulator
  let asked: IncomingMessage[] = []
  let answer: [status: number, body: string]
  const server = createServer((request, response) => {
    asked.push(request)
    response
      .writeHead(answer[0], { "content-type": "application/json", location: "/elsewhere" })
      .end(answer[1])
  })
  let url: string
  beforeAll(async () => {
    simulator = await startSimulator()
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => {
    asked = []
  })
  afterAll(async () => {
    server.close()
    await simulator.close()
  })
  const baseUrls = (openai: string, anthropic: string, deepseek: string) => ({
    OPENAI_BASE_URL: openai,
    ANTHROPIC_BASE_URL: anthropic,
    DEEPSEEK_BASE_URL: deepseek,
  })

  it("takes a list of models for a key that works, and makes no paid call", async () => {
    const { openai, anthropic, deepseek } = simulator.baseUrls
    const findings = await diagnose({ ...SECRETS, ...baseUrls(openai, anthropic, deepseek) })
    for (const name of ["openai", "anthropic", "deepseek"]) {
      expect(about(findings, name)).toMatchObject({
        level: "ok",
        message: expect.stringContaining("takes the key"),
      })
    }
    expect(simulator.calls).toEqual([])
  })

  it("sends each key as its vendor wants it, once", async () => {
    answer = [200, '{"data": []}']
    await diagnose({ ...SECRETS, ...baseUrls(`${url}/v1`, url, url) })
    const seen = asked.map(({ method, url: path, headers }) => [
      method,
      path,
      headers.authorization ?? headers["x-api-key"],
    ])
    expect(seen.sort()).toEqual([
      ["GET", "/models", `Bearer ${SECRETS.DEEPSEEK_API_KEY}`],
      ["GET", "/v1/models", `Bearer ${SECRETS.OPENAI_API_KEY}`],
      ["GET", "/v1/models", SECRETS.ANTHROPIC_API_KEY],
    ])
  })

  it.each<[number, string, Finding["level"], string]>([
    [401, '{"error": {"message": "Incorrect API key: planted-openai-key-2"}}', "problem", "OPENAI_API_KEY"],
    [402, "{}", "problem", "top up"],
    [403, "{}", "warning", "restricted"],
    [404, "no", "warning", "base URL"],
    [429, "{}", "warning", "rate limit"],
    [503, "{}", "warning", "status page"],
    [302, "{}", "problem", "base URL"],
    [200, "<html>", "warning", "base URL"],
  ])("judges an answer %i", async (status, body, level, remedy) => {
    answer = [status, body]
    const finding = about(await diagnose({ ...SECRETS, ...baseUrls(url, url, url) }), "openai")
    expect(finding).toMatchObject({ level, remedy: expect.stringContaining(remedy) })
    expect(asked, "redirects are not followed").toHaveLength(3)
  })

  it("finds one that is away, and ones that are missing", async () => {
    const gone = createServer().listen(0, "127.0.0.1")
    await once(gone, "listening")
    const { port } = gone.address() as AddressInfo
    gone.close()
    await once(gone, "close")
    const env = { ALLOW_SIMULATOR: "0", ADMIN_API_KEY: SECRETS.ADMIN_API_KEY }
    const findings = await diagnose({ ...env, OPENAI_BASE_URL: `http://127.0.0.1:${port}` })
    expect(about(findings, "openai")).toMatchObject({
      level: "problem",
      message: expect.stringContaining("ECONNREFUSED"),
    })
    expect(about(findings, "deepseek")).toMatchObject({ level: "warning" })
    expect(about(await diagnose(env), "providers")?.level).toBe("problem")
  })
})
