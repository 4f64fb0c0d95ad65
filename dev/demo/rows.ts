import { readFileSync } from "node:fs"
import type { Priority } from "../../src/core/request.ts"

/** One line of `examples/data/requests.jsonl`; its README says where it comes from. */
export interface DemoRow {
  /** When it arrived, ms after the first. */
  offsetMs: number
  contextTokens: number
  generatedTokens: number
  priority: Priority
  intent: string
  prompt: string
}

const FILE = new URL("../../examples/data/requests.jsonl", import.meta.url)

/** In the order of their arrival. */
export function readRows(): DemoRow[] {
  return readFileSync(FILE, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as DemoRow)
}
