import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { freePort } from "../../dev/port.ts"
import { ADMIN_KEY, type ServedQueue, serveQueue } from "../client/served-queue.ts"

import { documentedFetch } from "../helpers/documented.ts"
import { type CliOptions, type CliResult, runCli } from "./run-cli.ts"

let queue: ServedQueue
let stopCron: () => Promise<void>
beforeAll(async () => {
  queue = await serveQueue()
  vi.spyOn(console, "log").mockImplementation(() => undefined)
  stopCron = queue.runCron()
})
afterAll(async () => {
  await stopCron()
  vi.restoreAllMocks()
  await queue.close()
})

const cli = (args: string[], options: Partial<CliOptions> = {}): Promise<CliResult> =>
  runCli(args, { url: queue.url, ...options })

const ENQUEUE = ["enqueue", "-p", "openai", "-m", "a-model", "--organization", "org"]
const enqueue = async (...args: string[]): Promise<string> => (await cli([...ENQUEUE, ...args])).stdout.trim()
// biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it.
const json = async (...args: string[]): Promise<any> => JSON.parse((await cli([...args, "--json"])).stdout)

describe("enqueue", () => {
  it("prints the id, and with --wait the answer alone, of an argument or of stdin", async () => {
    expect(await enqueue("What is ESG?", "--delay", "1h")).toMatch(/^req_\w{23}$/)
    const waited = await cli([...ENQUEUE, "--wait", "What is ESG?"])
    expect(waited).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Simulated answer [^\n]*"What is ESG\?"[^\n]*\n$/),
    })
    expect(waited.stderr).toMatch(/^req_\w+ is pending; waiting\n$/)
    const piped = await cli([...ENQUEUE, "--wait"], { stdin: "Said on stdin\n" })
    expect(piped.stdout).toContain("Said on stdin")
  })

  it("asks for all that its options say", async () => {
    const flags = {
      ...{ "--system": "Be brief.", "--priority": "low", "--delay": "1h", "--timeout": "5s" },
      ...{ "--max-retries": "2", "--deadline": "2h", "--metadata": "trace=abc=d" },
    }
    const options = ["--option", "temperature=0.2", "--option", "user=me"]
    const args = [...Object.entries(flags).flat(), ...options, "Hello"]
    const { requestId, state, priority } = await json(...ENQUEUE, ...args)
    expect({ state, priority }).toEqual({ state: "scheduled", priority: "low" })
    const answer = await documentedFetch(`${queue.url}/v1/requests/${requestId}?include=messages`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    })
    const stored = (await answer.json()) as { createdAt: number; scheduledAt: number; deadlineAt: number }
    expect(stored).toMatchObject({
      ...{ timeoutMs: 5000, maxRetries: 2, metadata: { trace: "abc=d" }, organizationId: "org" },
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hello" },
      ],
    })
    expect(stored.scheduledAt - stored.createdAt).toBe(3_600_000)
    expect(stored.deadlineAt).toBeGreaterThan(stored.scheduledAt)
  })

  it("stores once what is enqueued twice under one key", async () => {
    const args = ["--idempotency-key", "a-key", "--delay", "1h", "Once"]
    expect(await enqueue(...args)).toBe(await enqueue(...args))
  })

  it("tells a request that failed, and one that takes too long, by its exit code", async () => {
    const failed = await cli([...ENQUEUE, "--wait", "Bad [[sim: error=rejected]]"])
    expect(failed).toMatchObject({ code: 1, stdout: "" })
    expect(failed.stderr).toMatch(/^req_\w+ failed: provider_rejected: /m)
    const slow = await cli([...ENQUEUE, "--wait", "--wait-timeout", "100ms", "--delay", "1h", "Later"])
    expect(slow).toMatchObject({ code: 4, stdout: "" })
    expect(slow.stderr).toContain("is still scheduled")
  })
})

describe("a request", () => {
  it("is shown, listed, waited for, cancelled and replayed", async () => {
    const requestId = await enqueue("Bad [[sim: error=rejected]]")
    expect(await cli(["status", "--wait", requestId])).toMatchObject({ code: 1 })
    const { stdout } = await cli(["status", requestId])
    expect(stdout).toMatch(/^state +failed \(simulated\)$/m)
    expect(stdout).toMatch(/^error +provider_rejected: /m)
    expect(stdout).toMatch(/^ +1 +openai a-model +failed +\S+ \w+ +provider_rejected$/m)
    expect(await json("status", requestId)).toMatchObject({ requestId, state: "failed" })
    const listed = await cli(["list", "--state", "failed", "--limit", "100"])
    expect(listed.stdout).toMatch(new RegExp(`^${requestId} +failed +normal +org +openai a-model`, "m"))

    expect((await cli(["replay", requestId])).stdout).toBe(`${requestId} pending\n`)
    await cli(["status", "--wait", requestId])
    expect((await cli(["cancel", requestId])).stdout).toBe(`${requestId} discarded\n`)
    expect(await cli(["status", requestId])).toMatchObject({ code: 1, stdout: "" })
  })

  it("among several is not passed over because of another", async () => {
    const ids = [await enqueue("One", "--delay", "1h"), await enqueue("Two", "--delay", "1h")]
    const [first = "", second = ""] = ids
    const { code, stdout, stderr } = await cli(["cancel", first, "req_unknown", second])
    expect(stdout).toBe(`${first} cancelled\n${second} cancelled\n`)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^req_unknown No such request/),
    })
  })
})

describe("the queue", () => {
  it("shows its figures, once and again", async () => {
    const { stdout } = await cli(["stats"])
    expect(stdout).toMatch(/^scheduled +pending +processing +completed +failed +cancelled$/m)
    expect(stdout).toMatch(/^openai +\d+ +\d+ +ok +–$/m)
    expect(await json("stats")).toHaveProperty("counts.pending")
    const watched = await cli(["watch", "--interval", "10ms", "--count", "3"])
    expect(watched.code).toBe(0)
    expect(watched.stdout.trim().split("\n")).toHaveLength(3)
  })

  it("issues keys, which see what is theirs", async () => {
    const issued = await cli([
      "keys",
      "issue",
      "--name",
      "shop",
      "--organization",
      "shop",
      "--expires-in",
      "1d",
    ])
    expect(issued).toMatchObject({ code: 0, stdout: expect.stringMatching(/^aiq_\S+\n$/) })
    const env = { AIQ_API_KEY: issued.stdout.trim() }
    const { stdout } = await cli(["enqueue", "-p", "openai", "-m", "m", "Mine", "--delay", "1h"], { env })
    expect((await cli(["list"], { env })).stdout).toContain(stdout.trim())
    expect((await cli(["stats"], { env })).stdout).toMatch(/^ +1 +0 +0 +0 +0 +0$/m)
    const listed = (await cli(["keys", "list"])).stdout
    const [, keyId = ""] = /^(\S+) +shop +shop +enqueue,read,cancel/m.exec(listed) ?? []
    expect((await cli(["keys", "revoke", keyId])).stdout).toBe(`${keyId} revoked\n`)
    const admin = await cli(["keys", "issue", "--name", "x", "--organization", "x", "--scopes", "admin"])
    expect(admin).toMatchObject({ code: 1, stderr: expect.stringContaining("may hold") })
  })
})

describe("what goes wrong", () => {
  it.each([
    [["frobnicate"], "unknown command"],
    [["enqueue", "Hello"], "--provider"],
    [[...ENQUEUE, "--delay", "soon", "Hello"], "10m"],
    [[...ENQUEUE, "--option", "temperature", "Hello"], "name=value"],
    [[...ENQUEUE], "prompt"],
    [["keys", "issue", "--name", "x", "--organization", "x", "--scopes", "all"], "enqueue, read"],
    [["import", "missing.jsonl"], "missing.jsonl cannot be read"],
  ])("%j ends with 2 and says what to do", async (args, what) => {
    expect(await cli(args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(what) })
  })

  it("with the settings ends with 2, and shows no key", async () => {
    expect(await cli(["stats"], { env: { AIQ_API_KEY: "" } })).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining("AIQ_API_KEY is not set") },
    })
    const broken = await cli(["stats"], { env: { AIQ_API_KEY: "a secret" } })
    expect(broken.code).toBe(2)
    expect(broken.stderr).not.toContain("secret")
    expect((await cli(["stats", "--url", "nonsense"])).code).toBe(2)
  })

  it("with a refusal ends with 1, for a script as JSON", async () => {
    const env = { AIQ_API_KEY: "an-unknown-key" }
    const refused = await cli(["stats"], { env })
    expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("Set AIQ_API_KEY") })
    const { code, stdout, stderr } = await cli([...ENQUEUE, "--timeout", "1ms", "Hello", "--json"])
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: "invalid_request", status: 400, errors: [{ path: "/timeoutMs" }] },
    })
  })

  it("without a queue ends with 3", async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    expect(await cli(["watch"], { url })).toMatchObject({
      ...{ code: 3, stderr: expect.stringContaining("cannot be reached") },
    })
  })
})

it("help tells the commands, the environment and the exit codes", async () => {
  const { code, stdout } = await cli(["--help"])
  expect(code).toBe(0)
  for (const word of ["import", "AIQ_API_KEY", "Exit codes", "130"]) expect(stdout).toContain(word)
})
