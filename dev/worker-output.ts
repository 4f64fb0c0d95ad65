import { once } from "node:events"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { stripVTControlCharacters } from "node:util"

export interface OutputOptions {
  /** Also the Worker's lines of level info. */
  verbose: boolean
  /** Everything that wrangler says, as it is. */
  debug: boolean
  print(line: string): void
}

/** What `wrangler dev` prints, told apart. */
export interface WorkerOutput {
  /** Resolves at the stream's end. */
  read(stream: Readable | null): Promise<void>
  /** From now on errors that are not the Worker's log lines are shown as they come; until then they are kept. */
  goLive(): void
  /** Set once wrangler reported an error of its own, such as a failed build. */
  readonly failed: boolean
  /** The last lines, for when it fails. */
  tail(): string
}

const KEPT_LINES = 40
/** The Worker's own lines; warnings and errors arrive with wrangler's decoration before them. */
const LOG_LINE = /\{"level":"(info|warn|error)",.*\}$/
const WRANGLER_ERROR = "✘ [ERROR]"
/** An error of wrangler, or an uncaught exception in the Worker; its details follow indented. */
const ERROR_LINE = /^(✘ \[ERROR\]|\[wrangler:error\])/

/** Shows the Worker's log lines and errors, and hides wrangler's chatter. */
export function createWorkerOutput({ verbose, debug, print }: OutputOptions): WorkerOutput {
  const kept: string[] = []
  let failed = false
  let live = false
  const read = async (stream: Readable | null) => {
    if (stream === null) return
    let inError = false
    const lines = createInterface(stream).on("line", (raw) => {
      const line = stripVTControlCharacters(raw).trimEnd()
      if (line === "") return
      kept.push(line)
      if (kept.length > KEPT_LINES) kept.shift()
      const log = LOG_LINE.exec(line)
      if (log === null) {
        const startsError = ERROR_LINE.test(line)
        failed ||= line.startsWith(WRANGLER_ERROR)
        inError = startsError || (inError && /^\s/.test(line))
      } else inError = false
      if (debug) print(raw)
      else if (log !== null && (log[1] !== "info" || verbose)) print(formatLogLine(log[0]))
      else if (log === null && inError && live) print(line)
    })
    await once(lines, "close")
  }
  return {
    read,
    goLive: () => {
      live = true
    },
    get failed() {
      return failed
    },
    tail: () => kept.join("\n"),
  }
}

/** `warn  settle_failed  requestId=… code=…` */
function formatLogLine(json: string): string {
  try {
    const { level, event, ...fields } = JSON.parse(json) as Record<string, unknown>
    const details = Object.entries(fields).map(([name, value]) => `${name}=${value}`)
    return [String(level).padEnd(5), event, ...details].join(" ")
  } catch {
    return json
  }
}
