/** `npm run chaos`: the fault suites with full effort; `npm run chaos -- soak` the half hour of mixed load. See docs/reliability.md. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { describeMachine } from "../../bench/machine.ts"
import { formatTable } from "../../bench/print-result.ts"
import { writeResult, writeText } from "../../bench/results.ts"
import type { FaultRow } from "./tally.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: "string", default: "30" } },
})
if (positionals[0] === "soak") {
  const { runSoak } = await import("./soak/run-soak.ts")
  process.exit((await runSoak(Number(values.minutes))) ? 0 : 1)
}
const machine = describeMachine()
const folder = mkdtempSync(join(tmpdir(), "aiq-chaos-"))
const report = join(folder, "faults.jsonl")
const startedAt = Date.now()
const code = await runSuites(positionals)
const lines = existsSync(report) ? readFileSync(report, "utf8").trim().split("\n") : []
const rows = lines.map((line) => JSON.parse(line) as FaultRow)
rmSync(folder, { recursive: true })
const minutes = Math.round((Date.now() - startedAt) / 60_000)
const tables = [...Map.groupBy(rows, ({ table }) => table)].map(([title, own]) =>
  formatTable({
    title: `## ${title}`,
    columns: ["fault", "times tried", "lost", "doubled", "what callers saw"],
    rows: own.map((row) => [row.fault, row.tried, row.lost, row.doubled, row.seen]),
  }),
)
const at = new Date(startedAt).toISOString()
const text = [`# \`npm run chaos\`\n\n${at}, ${minutes} minutes, ${machine}\n`, ...tables].join("\n")
console.log(text)
if (code === 0 && positionals.length === 0) {
  writeResult("chaos.json", { at, machine, minutes, rows })
  writeText("chaos.md", text)
}
process.exitCode = code

async function runSuites(files: string[]): Promise<number> {
  const args = ["run", "--project", "chaos", "--no-file-parallelism", ...files]
  const env = { ...process.env, CHAOS: "full", CHAOS_REPORT: report }
  const vitest = spawn("vitest", args, { stdio: "inherit", env })
  const [exitCode] = (await once(vitest, "exit")) as [number | null]
  return exitCode ?? 1
}
