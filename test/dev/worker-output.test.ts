import { PassThrough } from "node:stream"
import { expect, it } from "vitest"
import { createWorkerOutput } from "../../dev/worker-output.ts"
import { eventually } from "../helpers/eventually.ts"

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

async function shown(options: { verbose?: boolean; debug?: boolean }, lines = LINES) {
  const printed: string[] = []
  const output = createWorkerOutput({
    verbose: false,
    debug: false,
    ...options,
    print: (line) => printed.push(line),
  })
  const stream = new PassThrough()
  output.read(stream)
  stream.end(lines.map((line) => `${line}\n`).join(""))
  const last = lines.at(-1) ?? ""
  await eventually(() => output.tail().endsWith(last))
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

it("knows when wrangler itself failed, and keeps its last words", async () => {
  const lines = [
    "\u001b[31m✘ \u001b[0m\u001b[31m[ERROR]\u001b[0m Build failed with 1 error:",
    "  src/index.ts:1:1",
  ]
  const { printed, output } = await shown({}, lines)
  expect(output.failed).toBe(true)
  expect(printed).toEqual(["✘ [ERROR] Build failed with 1 error:", "  src/index.ts:1:1"])
  expect(output.tail()).toContain("src/index.ts:1:1")
})
