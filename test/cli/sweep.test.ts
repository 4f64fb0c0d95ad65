import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { AIRequestQueueClient } from "../../src/client/client.ts"
import { ADMIN_KEY, type ServedQueue, serveQueue } from "../client/served-queue.ts"
import { type CliOptions, type CliResult, runCli } from "./run-cli.ts"

vi.setConfig({ testTimeout: 60_000 })

let queue: ServedQueue
let client: AIRequestQueueClient
beforeAll(async () => {
  queue = await serveQueue()
  client = new AIRequestQueueClient({ url: queue.url, apiKey: ADMIN_KEY })
  vi.spyOn(console, "log").mockImplementation(() => undefined)
})
afterAll(async () => {
  vi.restoreAllMocks()
  await queue.close()
})

const cli = (args: string[], options: Partial<CliOptions> = {}): Promise<CliResult> =>
  runCli(args, { url: queue.url, ...options })

async function enqueue(organizationId: string, content = "Hello", model = "a-model"): Promise<string> {
  const messages = [{ role: "user" as const, content }]
  return (await client.enqueue({ provider: "openai", model, organizationId, messages })).requestId
}

describe("requests that options name", () => {
  it("are counted by --dry-run, and then replayed or discarded", async () => {
    const ids = [
      await enqueue("a", "Bad [[sim: error=rejected]]"),
      await enqueue("a", "Bad [[sim: error=rejected]]"),
    ]
    await queue.tick()
    const named = ["--organization", "a", "--error-code", "provider_rejected"]
    const counted = await cli(["replay", ...named, "--dry-run"])
    expect(counted).toMatchObject({ code: 0, stderr: "" })
    expect(counted.stdout).toMatch(/^openai +provider_rejected +2\n2 in all\n$/m)
    expect(await client.status(ids[0] ?? "")).toMatchObject({ state: "failed" })
    expect(await cli(["replay", ...named, "--yes"])).toEqual({ code: 0, stdout: "2 replayed\n", stderr: "" })
    expect(await client.status(ids[0] ?? "")).toMatchObject({ state: "pending", replays: 1 })
    await queue.tick()
    const discarded = await cli(["discard", ...named, "--yes", "--json"])
    expect(JSON.parse(discarded.stdout)).toMatchObject({ matched: 2, done: 2, skipped: 0 })
    expect(await client.status(ids[0] ?? "")).toBeNull()
  })

  it("are cancelled by what they have in common", async () => {
    const [old, other] = [await enqueue("b", "Hello", "old"), await enqueue("b", "Hello", "new")]
    const cancel = (...more: string[]) => cli(["cancel", "--organization", "b", ...more, "--yes"])
    expect(await cancel("--model", "old", "--older-than", "1h")).toMatchObject({
      stderr: "There are none.\n",
    })
    expect(await cancel("--model", "old", "--newer-than", "1h")).toMatchObject({ stdout: "1 cancelled\n" })
    expect(await client.status(old)).toMatchObject({ state: "cancelled" })
    expect(await client.status(other)).toMatchObject({ state: "pending" })
  })

  it.each([
    [["cancel"], /ids, or by options/],
    [["cancel", "--state", "pending"], /Nobody can be asked here/],
    [["replay", "req_1", "--error-code", "timeout"], /not both/],
  ])("must be named, and a yes must come from somewhere: %j", async (args, message) => {
    // A default of the environment is no choice.
    const { code, stdout, stderr } = await cli(args, { env: { AIQ_ORGANIZATION: "c" } })
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toMatch(message)
  })

  it("that make no sense are refused by the queue", async () => {
    const { code, stderr } = await cli(["cancel", "--state", "failed", "--yes"])
    expect(code).toBe(1)
    expect(stderr).toMatch(/discard these instead/)
  })
})
