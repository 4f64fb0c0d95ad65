import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { expectConserved } from "../helpers/conserved.ts"
import { eventually } from "../helpers/eventually.ts"
import { createTestQueue, settlement, type TestQueue } from "../helpers/queue.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { runCli, startCli } from "./run-cli.ts"

const COUNT = 1600
const SECRET = "a secret question"
vi.setConfig({ testTimeout: 120_000 })

let store: TestStore
let queue: TestQueue
let folder: string
let file: string
beforeAll(async () => {
  store = await startBestStore()
  queue = createTestQueue(store, { name: "old" })
  for (let i = 0; i < COUNT; i += 400) {
    await queue.enqueue(Array.from({ length: 400 }, () => queue.newRequest({ text: SECRET })))
  }
  const { requests } = await queue.take()
  await queue.settle(requests.map((each) => settlement(each, "completed")))
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aiq-backup-"))
  file = join(folder, "old.jsonl.gz")
})
afterEach(() => {
  store.bridge.faults.clear()
  rmSync(folder, { recursive: true })
})
afterAll(() => store.close())

const env = (queueName: string) => ({
  UPSTASH_REDIS_REST_URL: store.url,
  UPSTASH_REDIS_REST_TOKEN: store.token,
  QUEUE_NAME: queueName,
})
const run = (args: string[], queueName = "old") =>
  runCli(args, { url: "http://127.0.0.1:1", env: { AIQ_API_KEY: "", ...env(queueName) } })

describe("backup, verify and restore", () => {
  it("take a queue into a file for its owner alone, and into another queue, which is paused", async () => {
    expect(await run(["backup", file])).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/about \d+ Redis commands[\s\S]*1600 requests[\s\S]*keep it safe/),
      stdout: expect.stringMatching(/org-1 +0 +1500 +0 +100/),
    })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(["old.jsonl.gz"])
    expect(await run(["backup", file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("never replaces"),
    })

    expect(await run(["verify", file, "--json"])).toMatchObject({ code: 0 })
    const restored = await run(["restore", file, "--queue", "new", "--json"])
    expect(restored.code).toBe(0)
    expect(JSON.parse(restored.stdout)).toMatchObject({
      ...{ queueName: "new", differences: [], left: { expired: 0, repeated: 0 } },
      states: { "org-1": { pending: 1500, completed: 100 } },
    })
    const copy = createTestQueue(store, { name: "new" })
    expect((await copy.take()).requests).toEqual([])
    await expectConserved(store.redis, "new")
    const again = await run(["restore", file, "--queue", "old"])
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("is not empty") })
  })

  it("go on with a restore that was killed", async () => {
    file = join(folder, "old.jsonl")
    expect(await run(["backup", file])).toMatchObject({ code: 0 })
    expect(readFileSync(file, "utf8")).toContain(SECRET)
    store.bridge.faults.inject({ fault: "delay", delayMs: 3000, contains: "MSET" })
    const running = startCli(["restore", file], { url: "", env: env("killed") })
    const progress = `${file}.restore.json`
    await eventually(() => readdirSync(folder).includes("old.jsonl.restore.json"))
    running.process.kill("SIGKILL")
    await running.ended
    store.bridge.faults.clear()
    const { done, ...known } = JSON.parse(readFileSync(progress, "utf8"))
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(COUNT)
    expect(JSON.stringify(known)).not.toContain(store.token)
    expect(await run(["restore", file], "killed")).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/Going on after line \d+[\s\S]*Restored and verified/),
    })
    await expectConserved(store.redis, "killed")
    // It is whole: run once more, it only looks.
    expect(await run(["restore", file], "killed")).toMatchObject({ code: 0 })
  })

  it("refuse a file that is not whole, and store nothing of it", async () => {
    expect(await run(["backup", file])).toMatchObject({ code: 0 })
    const whole = readFileSync(file)
    writeFileSync(file, whole.subarray(0, whole.length / 2))
    const refused = { code: 2, stderr: expect.stringContaining("not a whole backup") }
    expect(await run(["verify", file])).toMatchObject(refused)
    expect(await run(["restore", file], "broken")).toMatchObject(refused)
    expect(await store.redis.exists("aiq:{broken}:meta")).toBe(0)
  })

  it("refuse a queue that is not there, and neither pause it nor leave a file", async () => {
    for (const flags of [[], ["--pause"]]) {
      expect(await run(["backup", file, ...flags, "--queue", "misspelt"])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("There is no queue misspelt"),
      })
    }
    expect(readdirSync(folder)).toEqual([])
    expect(await store.redis.keys("aiq:{misspelt}:*")).toEqual([])
  })

  it("leave no file when they are interrupted, or the store refuses the token", async () => {
    store.bridge.faults.inject({ fault: "delay", delayMs: 1000, contains: "HSCAN" })
    const running = startCli(["backup", file], { url: "", env: env("old") })
    await eventually(() => running.output.stderr.includes("about"), { withinMs: 60_000 })
    running.process.kill("SIGINT")
    expect(await running.ended).toMatchObject({ code: 130 })
    const wrong = { url: "", env: { ...env("old"), UPSTASH_REDIS_REST_TOKEN: "wrong" } }
    expect(await runCli(["backup", file], wrong)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("refused the token"),
    })
    expect(readdirSync(folder)).toEqual([])
  })
})
