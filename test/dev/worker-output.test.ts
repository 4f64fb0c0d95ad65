import { PassThrough } from "node:stream"
import { expect, it } from "vitest"
import { createWorkerOutput } from "../../dev/worker-output.ts"

/** As wrangler 4.155 printed them, to a pipe. */
const LINES = [
  "Using secrets defined in worker.env",
  "[wrangler:info] Ready on http://127.0.0.1:8787",
  '{"level":"info","event":"drained","completed":3}',
  '\u001b[33m▲ \u001b[43;33m[\u001b[43;30mWARNING\u001b[43;33m]\u001b[0m \u001b[1m{"level":"warn","event":"settle_failed","code":"store_unavailable"}\u001b[0m',
  "",
  '\u001b[31m✘ \u001b[41;31m[\u001b[41;97mERROR\u001b[41;31m]\u001b[0m \u001b[1m{"level":"error","event":"not_configured","variable":"MAX_RETRIES"}\u001b[0m',
  "[wrangler:error] Error: boom",
  "    at Object.fetch (src/index.ts:6:40)",
  "[wrangler:info] GET /throw 500 Internal Server Error (11ms)",
]

async function shown(options: { verbose?: boolean; debug?: boolean; live?: boolean }, lines = LINES) {
  const printed: string[] = []
  const { live = true, verbose = false, debug = false } = options
  const output = createWorkerOutput({ verbose, debug, print: (line) => printed.push(line) })
  if (live) output.goLive()
  const stream = new PassThrough()
  stream.end(lines.map((line) => `${line}\n`).join(""))
  await output.read(stream)
  return { printed, output }
}

const WARNINGS = [
  "warn  settle_failed code=store_unavailable",
  "error not_configured variable=MAX_RETRIES",
  "[wrangler:error] Error: boom",
  "    at Object.fetch (src/index.ts:6:40)",
]

it("shows the Worker's warnings and errors, and hides wrangler's chatter", async () => {
  const { printed, output } = await shown({})
  expect(printed).toEqual(WARNINGS)
  expect(output.failed).toBe(false)
})

it("shows info lines when verbose, and everything as it is in debug", async () => {
  expect((await shown({ verbose: true })).printed).toEqual(["info  drained completed=3", ...WARNINGS])
  expect((await shown({ debug: true })).printed).toEqual(LINES.filter((line) => line !== ""))
})

it("knows when wrangler itself failed, and until it is live keeps the reason for whoever tells of it", async () => {
  const lines = [
    "\u001b[31m✘ \u001b[0m\u001b[31m[ERROR]\u001b[0m Build failed with 1 error:",
    "  src/index.ts:1:1",
  ]
  const starting = await shown({ live: false }, lines)
  expect(starting.output.failed).toBe(true)
  expect(starting.printed).toEqual([])
  expect(starting.output.tail()).toBe("✘ [ERROR] Build failed with 1 error:\n  src/index.ts:1:1")
  expect((await shown({ live: true }, lines)).printed).toHaveLength(2)
})
