import { createLogUpdate } from "log-update"

const FRAME_MS = 200
/** Where lines cannot be overwritten, such as in a log. */
const LOG_MS = 5_000

/** Shows what `frame` gives, in place on a terminal, until the result is called, which shows it a last time. */
export function showProgress(frame: () => string, stream: NodeJS.WriteStream = process.stdout): () => void {
  if (!stream.isTTY) {
    const firstLine = () => stream.write(`${frame().split("\n")[0]}\n`)
    const timer = setInterval(firstLine, LOG_MS)
    return () => {
      clearInterval(timer)
      firstLine()
    }
  }
  // A cursor that is hidden stays so when the process is killed.
  const update = createLogUpdate(stream, { showCursor: true })
  const timer = setInterval(() => update(frame()), FRAME_MS)
  return () => {
    clearInterval(timer)
    update(frame())
    update.done()
  }
}
