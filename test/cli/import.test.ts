import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { type ServedQueue, serveQueue } from "../client/served-queue.ts"
import { eventually } from "../helpers/eventually.ts"
import { type CliOptions, runCli, startCli } from "./run-cli.ts"

const BATCH = 500
// The embedded store takes its time for hundreds of requests at once.
vi.setConfig({ testTimeout: 60_000 })

let queue: ServedQueue
let folder: string
let file: string
let organization: string
let imports = 0
beforeAll(async () => {
  queue = await serveQueue()
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aiq-import-"))
  file = join(folder, "requests.jsonl")
  organization = `import-${++imports}`
})
afterEach(() => {
  queue.reset()
  rmSync(folder, { recursive: true })
})
afterAll(() => queue.close())

const line = (i: number, more = {}) =>
  JSON.stringify({ messages: [{ role: "user", content: `Question ${i}` }], ...more })
const writeLines = (count: number, text = line) =>
  writeFileSync(file, Array.from({ length: count }, (_, i) => `${text(i)}\n`).join(""))

const args = (...more: string[]) => [
  ...["import", file, "-p", "openai", "-m", "a-model", "--organization", organization],
  ...more,
]
const runImport = (more: string[] = [], options: Partial<CliOptions> = {}) =>
  runCli(args(...more), { url: queue.url, ...options })
const bulks = () => queue.exchanges.filter(({ path }) => path === "/v1/requests/bulk")
const stored = () => queue.count(organization)

/** Holds up the n-th batch and those after it until the result is called. */
function holdFrom(batch: number): () => void {
  const gate = Promise.withResolvers<undefined>()
  queue.interfere = () => (bulks().length >= batch ? gate.promise : undefined)
  return () => gate.resolve(undefined)
}

describe("import", () => {
  it("enqueues each line once, and not again when it is run again, unless it is told to", async () => {
    writeLines(600)
    const first = await runImport()
    expect(first).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("600 requests") })
    expect(bulks()).toHaveLength(2)
    expect(await stored()).toBe(600)
    expect(await runImport()).toMatchObject({ code: 0, stderr: expect.stringContaining("--again") })
    expect(await stored()).toBe(600)
    expect(await runImport(["--again"])).toMatchObject({ code: 0 })
    expect(await stored()).toBe(1200)
    expect(readdirSync(folder).sort()).toEqual(["requests.jsonl", "requests.jsonl.progress.json"])
    expect(readFileSync(`${file}.progress.json`, "utf8")).not.toContain("Question")
  })

  it("goes on after Ctrl-C where it was", async () => {
    writeLines(1100)
    const release = holdFrom(2)
    const running = startCli(args(), { url: queue.url })
    await eventually(() => bulks().length === 2)
    running.process.kill("SIGINT")
    await eventually(() => running.output.stderr.includes("500/1100 finishing"), { everyMs: 5 })
    // As it comes from npm and the terminal both.
    running.process.kill("SIGINT")
    release()
    const interrupted = await running.ended
    expect(interrupted).toMatchObject({ code: 130, stderr: expect.stringContaining("same command again") })
    // What was on its way is finished, nothing more is begun.
    expect(await stored()).toBe(2 * BATCH)

    expect(await runImport()).toMatchObject({
      ...{ code: 0, stderr: expect.stringMatching(/after line 1000\.[\s\S]*100 requests enqueued/) },
    })
    expect(bulks()).toHaveLength(3)
    expect(await stored()).toBe(1100)
  })

  it("doubles nothing when it is killed while a batch is on its way, though lines are added", async () => {
    writeLines(600)
    const release = holdFrom(2)
    const running = startCli(args(), { url: queue.url })
    await eventually(() => bulks().length === 2)
    running.process.kill("SIGKILL")
    release()
    await running.ended
    await eventually(async () => (await stored()) === 600)

    queue.reset()
    appendFileSync(file, `${line(600)}\n`)
    const resumed = await runImport(["--json"])
    expect(resumed.code).toBe(0)
    expect(await stored()).toBe(601)
    const lines = resumed.stdout.trim().split("\n")
    expect(lines.map((each) => JSON.parse(each).line)).toEqual(Array.from({ length: 101 }, (_, i) => 501 + i))
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ requestId: expect.any(String), state: "pending" })
  })

  it("doubles nothing when answers are lost, in one run or for good", async () => {
    writeLines(510)
    queue.interfere = () => (bulks().length === 1 ? "lose" : undefined)
    expect(await runImport()).toMatchObject({ code: 0 })
    expect(bulks()).toHaveLength(3)
    expect(await stored()).toBe(510)

    writeLines(600)
    rmSync(`${file}.progress.json`)
    organization += "-gone"
    queue.reset()
    queue.interfere = () => (bulks().length >= 2 ? "lose" : undefined)
    const lost = await runImport()
    expect(lost).toMatchObject({ code: 3, stderr: expect.stringContaining("same command again") })
    expect(await stored()).toBe(600)
    queue.reset()
    expect(await runImport()).toMatchObject({ code: 0 })
    expect(await stored()).toBe(600)
  })

  it("doubles nothing when even its progress is lost", async () => {
    writeLines(600)
    await runImport()
    rmSync(`${file}.progress.json`)
    expect(await runImport()).toMatchObject({ code: 0 })
    expect(await stored()).toBe(600)
  })

  it("waits while the queue takes no more", async () => {
    writeLines(10)
    queue.interfere = () => {
      if (bulks().length > 6) return undefined
      const body = JSON.stringify({ status: 429, code: "queue_full", detail: "It is full." })
      return { status: 429, headers: { "Retry-After": "0" }, body }
    }
    expect(await runImport()).toMatchObject({ code: 0 })
    expect(await stored()).toBe(10)
  })
})

describe("a line", () => {
  it("may have members of its own, end as Windows has it, be empty, or hold a line separator of Unicode", async () => {
    const lines = [
      `\uFEFF${line(0, { priority: "high", organizationId: organization })}`,
      "",
      line(1, { metadata: { text: "\u2028" } }),
    ]
    writeFileSync(file, lines.join("\r\n"))
    const { code, stdout } = await runImport(["--priority", "low", "--json"])
    expect(code).toBe(0)
    const enqueued = stdout
      .trim()
      .split("\n")
      .map((each) => JSON.parse(each))
    expect(enqueued.map((each) => each.line)).toEqual([1, 3])
    const listed = await runCli(["list", "--organization", organization, "--json"], { url: queue.url })
    const priorities = listed.stdout
      .trim()
      .split("\n")
      .map((each) => JSON.parse(each).priority)
    expect(priorities.sort()).toEqual(["high", "low"])
  })

  it("that is no JSON stops the import before anything is sent", async () => {
    writeLines(600, (i) => (i === 550 ? "{" : line(i)))
    expect(await runImport()).toMatchObject({ code: 2, stderr: expect.stringContaining("line 551") })
    expect(bulks()).toHaveLength(0)
  })

  it("that the queue refuses is named, and may be put right", async () => {
    writeLines(600, (i) => line(i, i === 550 ? { priority: "urgent" } : {}))
    const refused = await runImport()
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/line 551: \/priority must be one of/),
    })
    expect(await stored()).toBe(500)
    writeLines(600)
    expect(await runImport()).toMatchObject({ code: 0 })
    expect(await stored()).toBe(600)
  })

  it("that was enqueued already must not change, nor what it was enqueued with", async () => {
    writeLines(3)
    await runImport()
    appendFileSync(file, line(3))
    expect(await runImport(["--priority", "low"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("begun with"),
    })
    writeLines(4, (i) => line(i + 1))
    expect(await runImport()).toMatchObject({ code: 2, stderr: expect.stringContaining("has changed") })
    expect(await stored()).toBe(3)
  })
})

describe("what was on its way too long ago to tell", () => {
  it.each([
    ["send", 2],
    ["skip", 1],
  ])("is up to the user: %s", async (what, remaining) => {
    writeLines(1)
    const gate = Promise.withResolvers<"refuse">()
    queue.interfere = () => gate.promise
    const running = startCli(args(), { url: queue.url })
    await eventually(() => bulks().length === 1)
    running.process.kill("SIGKILL")
    await running.ended
    gate.resolve("refuse")
    queue.reset()
    const path = `${file}.progress.json`
    const progress = JSON.parse(readFileSync(path, "utf8"))
    expect(progress.sending).toMatchObject({ lines: 1, requests: 1 })
    progress.sending.at -= 24 * 3_600_000
    writeFileSync(path, JSON.stringify(progress))
    appendFileSync(file, `${line(1)}\n`)
    expect(await runImport()).toMatchObject({ code: 2, stderr: expect.stringContaining("--uncertain") })
    expect(await runImport(["--uncertain", what])).toMatchObject({ code: 0 })
    expect(await stored()).toBe(remaining)
  })
})
