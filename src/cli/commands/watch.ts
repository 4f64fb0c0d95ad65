import { setTimeout as sleep } from "node:timers/promises"
import { type Command, Option } from "commander"
import { createLogUpdate } from "log-update"
import type { AIRequestQueueClient } from "../../client/client.ts"
import { EXIT, exitCodeOf, explain } from "../exit.ts"
import { formatInstant } from "../format.ts"
import { isLive, note, type Output, paint, print, printJson } from "../output.ts"
import { openSession } from "../session.ts"
import { formatStats, summarizeStats } from "../stats-view.ts"
import { readCount, readDuration } from "../values.ts"

type Stats = Awaited<ReturnType<AIRequestQueueClient["stats"]>>

interface Flags {
  interval: number
  count?: number
}

export function addWatch(program: Command): void {
  const command = program
    .command("watch")
    .summary("show the queue's figures as they change")
    .description("Shows the queue's figures in place, until Ctrl-C; where that cannot be, a line each time.")
    .addOption(
      new Option("--interval <duration>", "between two looks").argParser(readDuration).default(2000, "2s"),
    )
    .option("--count <n>", "end after that many looks", readCount)
    .action(async ({ interval, count = Number.POSITIVE_INFINITY }: Flags) => {
      // A look that fails is followed by the next one anyway.
      const { client, output, url } = openSession(command, { maxRetries: 0 })
      const view = openView(output, url)
      try {
        let isFirst = true
        for (let looks = 1; looks <= count; looks++) {
          await look(client, view, isFirst)
          isFirst = false
          if (looks < count) await sleep(interval)
        }
      } finally {
        view.close()
      }
    })
}

interface View {
  show(stats: Stats): void
  /** What was shown stays. */
  complain(problem: string): void
  close(): void
}

/** A queue that goes away while it is watched may come back; one that was never there is an error. */
async function look(client: AIRequestQueueClient, view: View, isFirst: boolean): Promise<void> {
  try {
    view.show(await client.stats())
  } catch (error) {
    if (isFirst || exitCodeOf(error) !== EXIT.unreachable) throw error
    view.complain(explain(error))
  }
}

function openView(output: Output, url: string): View {
  const { out, isJson } = output
  if (!isLive(output, out)) {
    const show = (stats: Stats) => (isJson ? printJson(output, stats) : print(output, summarizeStats(stats)))
    return { show, complain: (problem) => note(output, problem), close: () => undefined }
  }
  // A cursor that is hidden stays so when the process is killed.
  const update = createLogUpdate(out, { showCursor: true })
  let shown = ""
  return {
    show: (stats) => {
      shown = formatStats(out, stats)
      update(`${paint(out, "dim", `${url}  ${formatInstant(Date.now())}`)}\n\n${shown}`)
    },
    complain: (problem) => update(`${paint(out, "red", problem)}\n\n${shown}`),
    close: () => update.done(),
  }
}
