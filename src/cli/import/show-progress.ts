import { createLogUpdate } from "log-update"
import { formatDuration } from "../format.ts"
import { isLive, note, type Output, paint } from "../output.ts"

export interface ProgressView {
  advance(requests: number): void
  /** Why it does not go on for now; null: it does. */
  hold(reason: string | null): void
  close(): void
}

const FRAME_MS = 200
/** Where lines cannot be overwritten, such as in a log. */
const LOG_MS = 5000
const BAR_WIDTH = 30

/** A bar on stderr, in place on a terminal; elsewhere a line now and then. */
export function showProgress(output: Output, total: number, already: number): ProgressView {
  const { err } = output
  const startedAt = Date.now()
  let done = already
  let held: string | null = null
  const frame = () => {
    const share = total === 0 ? 1 : done / total
    const filled = Math.round(share * BAR_WIDTH)
    const bar = paint(err, "cyan", "█".repeat(filled)) + paint(err, "dim", "░".repeat(BAR_WIDTH - filled))
    const perMs = (done - already) / Math.max(1, Date.now() - startedAt)
    const left = perMs === 0 || done === total ? "" : `  ${formatDuration((total - done) / perMs)} left`
    const reason = held === null ? "" : `  ${paint(err, "yellow", held)}`
    return `${bar} ${Math.floor(share * 100)} %  ${done}/${total}  ${Math.round(perMs * 1000)}/s${left}${reason}`
  }
  // A cursor that is hidden stays so when the process is killed.
  const update = isLive(output, err) ? createLogUpdate(err, { showCursor: true }) : null
  const draw = () =>
    update === null ? note(output, `${done}/${total}${held === null ? "" : ` ${held}`}`) : update(frame())
  const timer = setInterval(draw, update === null ? LOG_MS : FRAME_MS)
  return {
    advance: (requests) => {
      done += requests
    },
    hold: (reason) => {
      const isNew = reason !== null && reason !== held
      held = reason
      if (isNew) draw()
    },
    close: () => {
      clearInterval(timer)
      if (update === null) return
      update(frame())
      update.done()
    },
  }
}
