import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Plot } from "./section.ts"

const DRAW = fileURLToPath(new URL("./plots/draw.ts", import.meta.url))

/** One SVG each. In a process of its own, for the charting library is installed beside the peers, not in the product. */
export function drawPlots(plots: Plot[], folder: URL): void {
  if (plots.length === 0) return
  const args = [
    "--experimental-strip-types",
    "--disable-warning=ExperimentalWarning",
    DRAW,
    fileURLToPath(folder),
  ]
  execFileSync(process.execPath, args, {
    input: JSON.stringify(plots),
    stdio: ["pipe", "inherit", "inherit"],
  })
}
