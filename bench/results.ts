import { mkdirSync, writeFileSync } from "node:fs"

/** What `npm run bench` and `npm run chaos` have found. */
export const RESULTS = new URL("./results/", import.meta.url)

export function writeResult(file: string, value: unknown): void {
  writeText(file, `${JSON.stringify(value, null, 2)}\n`)
}

export function writeText(file: string, text: string): void {
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(new URL(file, RESULTS), text)
}
