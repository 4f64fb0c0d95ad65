import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { AIRequestQueueClient } from "../../src/client/client.ts"
import { ADMIN_KEY, type ServedQueue, serveQueue } from "../client/served-queue.ts"
import { LAUNCHER, runCli } from "./run-cli.ts"

const ESCAPE = "\u001b"
/** util-linux's `script` gives a command a terminal; others take other options. */
const hasScript = process.platform === "linux" && spawnSync("script", ["--version"]).status === 0

let queue: ServedQueue
let stopCron: () => Promise<void>
let folder: string
beforeAll(async () => {
  queue = await serveQueue()
  folder = mkdtempSync(join(tmpdir(), "aiq-terminal-"))
  vi.spyOn(console, "log").mockImplementation(() => undefined)
  stopCron = queue.runCron()
})
afterAll(async () => {
  await stopCron()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
  await queue.close()
})

/** What the terminal is sent. */
async function onTerminal(args: string[], env: Record<string, string> = {}, typed = ""): Promise<string> {
  const command = `stty cols 110 rows 40; exec "${process.execPath}" "${LAUNCHER}" "$@"`
  const quoted = ["sh", ...args].map((arg) => `'${arg.replaceAll("'", "'\\''")}'`).join(" ")
  const script = `sh -c '${command.replaceAll("'", "'\\''")}' ${quoted}`
  const base = {
    AIQ_URL: queue.url,
    AIQ_API_KEY: ADMIN_KEY,
    TERM: "xterm-256color",
    PATH: process.env.PATH ?? "",
  }
  const child = spawn("script", ["-qec", script, "/dev/null"], {
    env: { ...base, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  })
  child.stdin.end(typed)
  return text(child.stdout)
}

const PROMPT = `Red ${ESCAPE}[31m and a bell \u0007.`
const ENQUEUE = ["enqueue", "-p", "openai", "-m", "m", "--organization", "org", "--wait"]

describe.runIf(hasScript)("on a terminal", () => {
  it("figures are shown in place and in colour, unless NO_COLOR is set", async () => {
    const watched = await onTerminal(["watch", "--count", "2", "--interval", "10ms"])
    expect(watched).toMatch(/in flight/)
    expect(watched).toContain(`${ESCAPE}[32mok${ESCAPE}[39m`)
    expect(await onTerminal(["stats"], { NO_COLOR: "1" })).not.toContain(ESCAPE)
  })

  it("what is done to many is counted and asked about first; no answer is no", async () => {
    const client = new AIRequestQueueClient({ url: queue.url, apiKey: ADMIN_KEY })
    const messages = [{ role: "user" as const, content: "Later" }]
    const asked = { provider: "openai", model: "m", organizationId: "asked", messages, delayMs: 3_600_000 }
    const { requestId } = await client.enqueue(asked)
    const cancel = ["cancel", "--organization", "asked", "--state", "scheduled"]
    expect(await onTerminal(cancel, {}, "n\n")).toMatch(
      /openai +– +1\s+1 in all\s+[^\n]*Cancel 1 requests\? \[y\/N\]/,
    )
    expect(await client.status(requestId)).toMatchObject({ state: "scheduled" })
    expect(await onTerminal(cancel, {}, "y\n")).toMatch(/1 cancelled/)
    expect(await client.status(requestId)).toMatchObject({ state: "cancelled" })
  })

  it("an import has a bar that ends full", async () => {
    const file = join(folder, "requests.jsonl")
    // Later, so that nobody's answer has to wait for 700 others.
    const line = JSON.stringify({ messages: [{ role: "user", content: "Hello" }], delayMs: 3_600_000 })
    writeFileSync(file, `${line}\n`.repeat(700))
    const drawn = await onTerminal(["import", file, "-p", "openai", "-m", "m", "--organization", "org"])
    expect(drawn).toMatch(/█{30}.* 100 % {2}700\/700/)
    expect(drawn).toMatch(/700 requests enqueued/)
  })

  it("an answer cannot steer it", async () => {
    expect(await onTerminal([...ENQUEUE, PROMPT])).toContain("Red [31m and a bell .")
  })

  it("elsewhere an answer comes as it is, and figures without colour", async () => {
    const { stdout } = await runCli([...ENQUEUE, PROMPT], { url: queue.url })
    expect(stdout).toContain(PROMPT)
    expect((await runCli(["stats"], { url: queue.url })).stdout).not.toContain(ESCAPE)
  })
})
