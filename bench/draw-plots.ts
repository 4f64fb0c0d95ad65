import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { TYPESCRIPT_FLAGS } from "../dev/spawn-guarded.ts"
import { RESULTS } from "./results.ts"
import type { Plot } from "./section.ts"

const DRAW = fileURLToPath(new URL("./plots/draw.ts", import.meta.url))

/** One SVG each, in `results/`. In a process of its own, for the charting library is installed beside the peers, not in the product. */
export function drawPlots(plots: Plot[]): void {
  if (plots.length === 0) return
  execFileSync(process.execPath, [...TYPESCRIPT_FLAGS, DRAW, fileURLToPath(RESULTS)], {
    input: JSON.stringify(plots),
    stdio: ["pipe", "inherit", "inherit"],
  })
}
