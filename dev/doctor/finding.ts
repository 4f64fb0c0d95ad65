import { styleText } from "node:util"

/** `warning`: works, but look at it. `problem`: must be fixed. */
type Level = "ok" | "warning" | "problem"

/** One thing that was looked at. Never holds a secret. */
export interface Finding {
  level: Level
  /** What was looked at, such as `latency`. */
  check: string
  message: string
  /** What to do about it; null when all is well. */
  remedy: string | null
}

export const ok = (check: string, message: string): Finding => ({ level: "ok", check, message, remedy: null })

export const warning = (check: string, message: string, remedy: string): Finding => ({
  ...{ level: "warning", check, message, remedy },
})

export const problem = (check: string, message: string, remedy: string): Finding => ({
  ...{ level: "problem", check, message, remedy },
})

const MARKS = {
  ok: styleText("green", "✓"),
  warning: styleText("yellow", "!"),
  problem: styleText("red", "✗"),
}

/** A line each, and one that sums up. */
export function formatFindings(findings: Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.map(({ level, check, message, remedy }) => {
    const what = `${MARKS[level]} ${check.padEnd(width)}  ${message}`
    return `  ${remedy === null ? what : `${what} → ${remedy}`}`
  })
  return ["", ...lines, "", `  ${sumUp(findings)}`, ""].join("\n")
}

function sumUp(findings: Finding[]): string {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length
  if (count("problem") > 0) return `To be fixed: ${count("problem")}. To be looked at: ${count("warning")}.`
  return count("warning") > 0 ? `It works. To be looked at: ${count("warning")}.` : "All is well."
}
