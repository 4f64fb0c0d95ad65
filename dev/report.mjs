// The last line of a CI run: counts from vitest's JSON report, whose path is the argument. Exits with 1 when
// anything failed, when nothing passed, or when there is no report. Plain JavaScript, for any supported Node.
import { readFileSync } from "node:fs"

const [path = "test-report.json"] = process.argv.slice(2)
let report
try {
  report = JSON.parse(readFileSync(path, "utf8"))
} catch (error) {
  console.log(`no test report at ${path}: ${error.message}`)
  console.log("0 passed, 1 failed, 0 skipped")
  process.exit(1)
}
const passed = report.numPassedTests
const skipped = report.numPendingTests + report.numTodoTests
// A file that cannot even be loaded counts no failed test of its own.
const broken = report.testResults.filter(
  (file) => file.status === "failed" && file.assertionResults.length === 0,
)
const failed = report.numFailedTests + broken.length
const ok = report.success && failed === 0 && passed > 0
console.log(`${passed} passed, ${ok ? 0 : Math.max(failed, 1)} failed, ${skipped} skipped`)
process.exit(ok ? 0 : 1)
