import { readFileSync } from "node:fs"

/** One request of a production trace: see README.md. */
export interface TraceRow {
  /** After the first of the trace. */
  arrivalMs: number
  contextTokens: number
  generatedTokens: number
}

/** `conv`: chats. `code`: completions of code. In order of arrival. */
export function readTrace(name: "conv" | "code"): TraceRow[] {
  const text = readFileSync(new URL(`azure-${name}.csv`, import.meta.url), "utf8")
  return text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [arrivalMs = 0, contextTokens = 0, generatedTokens = 0] = line.split(",").map(Number)
      return { arrivalMs, contextTokens, generatedTokens }
    })
}
