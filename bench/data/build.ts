/**
 * Builds `azure-conv.csv` and `azure-code.csv` out of a folder that holds the two originals, `azure-llm-2023-conv.csv` and
 * `azure-llm-2023-code.csv`: the time of day becomes ms after the first request. The same inputs give the same files.
 *
 *   node --experimental-strip-types bench/data/build.ts <folder>
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const HEADER = "arrivalMs,contextTokens,generatedTokens"

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.error("usage: node --experimental-strip-types bench/data/build.ts <folder with the two CSV files>")
  process.exit(1)
}
for (const name of ["conv", "code"]) {
  const lines = readFileSync(join(folder, `azure-llm-2023-${name}.csv`), "utf8")
    .trim()
    .split("\n")
    .slice(1)
  const rows = lines.map((line) => {
    // `2023-11-16 18:15:46.6805900,374,44`
    const [time = "", ...tokens] = line.trim().split(",")
    return { at: Date.parse(`${time.slice(0, 23).replace(" ", "T")}Z`), tokens }
  })
  const first = rows[0]?.at ?? 0
  const compact = rows.map(({ at, tokens }) => [at - first, ...tokens].join(","))
  writeFileSync(new URL(`azure-${name}.csv`, import.meta.url), `${[HEADER, ...compact].join("\n")}\n`)
}
