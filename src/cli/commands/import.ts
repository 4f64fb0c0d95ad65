import { randomUUID } from "node:crypto"
import { type Command, Option } from "commander"
import type { NewRequest } from "../../client/client.ts"
import { PRIORITIES, type Priority } from "../../core/request.ts"
import { Interrupted, UsageError } from "../exit.ts"
import { formatInstant } from "../format.ts"
import { type Progress, progressPath, readProgress } from "../import/progress-file.ts"
import { newProgress, runImport } from "../import/run-import.ts"
import { showProgress } from "../import/show-progress.ts"
import { surveyFile } from "../import/survey-file.ts"
import { onInterrupt } from "../on-interrupt.ts"
import { note, printJson } from "../output.ts"
import { openSession, type Session } from "../session.ts"

interface Flags {
  provider?: string
  model?: string
  organization?: string
  priority?: Priority
  again?: boolean
  uncertain?: "send" | "skip"
}

const DETAILS = `
One line is the body of one request: {"provider": "openai", "model": "gpt-5-mini", "messages": [{"role": "user",
"content": "…"}]}. The options above stand in for what a line does not have. Empty lines are passed over.

No line is enqueued twice. Lines go in batches; <file>.progress.json beside the file says how far it came, and each
batch has an idempotency key that follows from the lines themselves. So after Ctrl-C, a crash or a lost connection,
run the same command again. Lines may be added at the end, and those not enqueued yet may be changed. What was on its
way when an import died more than 23 h ago cannot be told any more: then --uncertain says what to do with it.

With --json each enqueued line is printed: {"line", "requestId", "state"}.

Example:
  $ ai-request-queue import questions.jsonl -p openai -m gpt-5-mini --priority low`

export function addImport(program: Command): void {
  const command = program
    .command("import")
    .summary("enqueue a file, one request a line; goes on where it was interrupted")
    .description(
      "Enqueues a file of JSON lines, one request a line, with a progress bar. Can be interrupted.",
    )
    .argument("<file.jsonl>")
    .addOption(new Option("-p, --provider <name>", "for lines that name none").env("AIQ_PROVIDER"))
    .addOption(new Option("-m, --model <name>", "for lines that name none").env("AIQ_MODEL"))
    .addOption(new Option("--organization <id>", "for lines that name none").env("AIQ_ORGANIZATION"))
    .addOption(new Option("--priority <level>", "for lines that name none").choices(PRIORITIES))
    .option("--again", "enqueue a file a second time that was imported completely")
    .addOption(
      new Option("--uncertain <what>", "with lines that may or may not be stored").choices(["send", "skip"]),
    )
    .addHelpText("after", DETAILS)
    .action((file: string, flags: Flags) => importFile(openSession(command), file, flags))
}

async function importFile(session: Session, file: string, flags: Flags): Promise<void> {
  const { client, output, url } = session
  const defaults = readDefaults(flags)
  const known = readProgress(file)
  const from = begin(known, { url, ...defaults }, file, flags)
  const { requests } = await surveyFile(file, from)
  if (from.isComplete && requests === from.done.requests) {
    return note(output, `All ${requests} lines were enqueued before. --again enqueues them a second time.`)
  }
  if (from.done.lines > 0) note(output, `Going on after line ${from.done.lines}.`)

  const view = showProgress(output, requests, from.done.requests)
  const { signal, release } = onInterrupt(() =>
    view.hold("finishing what is on its way; Ctrl-C again stops at once"),
  )
  try {
    const { done } = await runImport(
      {
        ...{ file, client, defaults, settings: from.settings, signal },
        onEnqueued: (lines) => {
          view.advance(lines.length)
          if (!output.isJson) return
          for (const { line, request } of lines) {
            printJson(output, { line, requestId: request.requestId, state: request.state })
          }
        },
        onHeldUp: (error) => view.hold(error === null ? null : `waiting: ${error.code}`),
      },
      from,
    )
    view.close()
    note(
      output,
      `${done.requests - from.done.requests} requests enqueued from ${file}, ${formatInstant(Date.now())}.`,
    )
  } catch (error) {
    view.close()
    note(output, `Run the same command again to go on.`)
    throw error instanceof Interrupted ? new Interrupted(`${file} is interrupted.`) : error
  } finally {
    release()
  }
}

function readDefaults({ provider, model, organization, priority }: Flags): Partial<NewRequest> {
  return {
    ...(provider === undefined ? {} : { provider }),
    ...(model === undefined ? {} : { model }),
    ...(organization === undefined ? {} : { organizationId: organization }),
    ...(priority === undefined ? {} : { priority }),
  }
}

/** Where to start: anew, where it was, or, where that cannot be told, as the user says. */
function begin(
  known: Progress | null,
  settings: Record<string, unknown>,
  file: string,
  flags: Flags,
): Progress {
  if (known === null) return newProgress(settings, "")
  if (flags.again === true) {
    if (!known.isComplete)
      throw new UsageError(`${file} is not imported completely: first run this without --again.`)
    return newProgress(settings, randomUUID())
  }
  if (JSON.stringify(known.settings) !== JSON.stringify(settings)) {
    throw new UsageError(
      `This import was begun with ${JSON.stringify(known.settings)}: go on with the same, ` +
        `or move ${progressPath(file)} away to import the file from its start.`,
    )
  }
  if (known.sending === null || flags.uncertain === undefined) return known
  const { at: _, ...sent } = known.sending
  if (flags.uncertain === "skip") return { ...known, done: sent, sending: null }
  return { ...known, sending: { ...sent, at: Date.now() } }
}
