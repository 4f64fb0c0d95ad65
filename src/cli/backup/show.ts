import { createLogUpdate } from "log-update"
import type { StateCounts } from "../../backup/format.ts"
import { formatTable, harmless, isLive, note, type Output } from "../output.ts"

const FRAME_MS = 200
/** Where lines cannot be overwritten, such as in a log. */
const LOG_MS = 5000

/** One line on stderr, in place on a terminal; elsewhere a line now and then. */
export function showLine(output: Output): { set(text: string): void; close(): void } {
  const update = isLive(output, output.err) ? createLogUpdate(output.err, { showCursor: true }) : null
  let text = ""
  const draw = () => {
    if (text === "") return
    if (update === null) note(output, text)
    else update(text)
  }
  const timer = setInterval(draw, update === null ? LOG_MS : FRAME_MS)
  return {
    set: (next) => {
      text = next
    },
    close: () => {
      clearInterval(timer)
      if (update === null) return
      draw()
      update.done()
    },
  }
}

/** Billed commands, and what they come to where each is paid for. */
export function formatCost(commands: number): string {
  const dollars = (commands / 100_000) * 0.2
  return `${commands} Redis commands${dollars < 0.01 ? "" : `, ${dollars.toFixed(2)} USD where each is billed`}`
}

export function formatStates(output: Output, states: Record<string, StateCounts>): string {
  const names = ["scheduled", "pending", "processing", "completed", "failed", "cancelled"] as const
  const rows = Object.entries(states)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, counts]) => [harmless(name), ...names.map((state) => counts[state])])
  return formatTable(output.out, ["organization", ...names], rows)
}
