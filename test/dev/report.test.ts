import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "aiq-report-"))
afterAll(() => rmSync(folder, { recursive: true }))

const green = {
  success: true,
  numPassedTests: 7,
  numFailedTests: 0,
  numPendingTests: 2,
  numTodoTests: 1,
  testResults: [{ status: "passed", assertionResults: [{}] }],
}
const broken = { status: "failed", assertionResults: [] }

it.each([
  ["all passed", green, "7 passed, 0 failed, 3 skipped", 0],
  ["one failed", { ...green, success: false, numFailedTests: 1 }, "7 passed, 1 failed, 3 skipped", 1],
  ["a file did not load", { ...green, testResults: [broken] }, "7 passed, 1 failed, 3 skipped", 1],
  ["an error outside the tests", { ...green, success: false }, "7 passed, 1 failed, 3 skipped", 1],
  ["nothing ran", { ...green, numPassedTests: 0 }, "0 passed, 1 failed, 3 skipped", 1],
  ["no report", null, "0 passed, 1 failed, 0 skipped", 1],
])("the last line of CI when %s", (_, report, line, exitCode) => {
  const file = join(folder, `${line}.json`)
  rmSync(file, { force: true })
  if (report !== null) writeFileSync(file, JSON.stringify(report))
  const script = new URL("../../dev/report.mjs", import.meta.url)
  const { stdout, status } = spawnSync(process.execPath, [script.pathname, file], { encoding: "utf8" })
  expect(stdout.trimEnd().split("\n").at(-1)).toBe(line)
  expect(status).toBe(exitCode)
})
