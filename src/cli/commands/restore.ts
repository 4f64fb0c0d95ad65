import { type Command, Option } from "commander"
import { type RestoreReport, restoreDump } from "../../backup/restore.ts"
import { survey } from "../../backup/survey.ts"
import { openDump } from "../backup/dump-file.ts"
import {
  type RestoreProgress,
  readRestoreProgress,
  writeRestoreProgress,
} from "../backup/restore-progress.ts"
import { formatCost, formatStates, showLine } from "../backup/show.ts"
import { addStoreOptions, readStore, type StoreFlags, type StoreTarget } from "../backup/store-options.ts"
import { EXIT, Interrupted } from "../exit.ts"
import { onInterrupt } from "../on-interrupt.ts"
import { createOutput, formatTable, harmless, note, type Output, print, printJson } from "../output.ts"
import { readCount } from "../values.ts"

type Flags = StoreFlags & { retryPenalty: number }

const DETAILS = `
The queue must be empty; its name may be another than the backup's. What is past its time is left out. Requests that were
in flight are pending again, with that attempt in their history. Afterwards everything is counted and compared with the
file; differences are listed, and the exit code is 1.

The restored queue is paused. Look at it, then: curl -X POST $AIQ_URL/v1/queue/resume -H "Authorization: Bearer …"

After an interruption run the same command again: <file>.restore.json says how far it came.

Example:
  $ ai-request-queue restore queue-2026-12-01.jsonl.gz --queue default`

export function addRestore(program: Command): void {
  const command = program
    .command("restore")
    .summary("put a backup into an empty queue; goes on where it was interrupted")
    .description("Puts a backup's file into an empty queue, over the store's REST API, and verifies it.")
    .argument("<file>", "as `backup` has written it")
    .addOption(
      new Option("--retry-penalty <ms>", "RETRY_PENALTY_MS of the queue")
        .env("RETRY_PENALTY_MS")
        .argParser(readCount)
        .default(60_000),
    )
    .addHelpText("after", DETAILS)
    .action((file: string, flags: Flags) => restoreFrom(file, flags, command))
  addStoreOptions(command)
}

async function restoreFrom(file: string, flags: Flags, command: Command): Promise<void> {
  const output = createOutput(command.optsWithGlobals<{ json?: boolean }>().json === true)
  const target = readStore(flags)
  const source = openDump(file)
  const known = knownProgress(file, target)
  const rules = { asOf: known?.asOf ?? Date.now(), retryPenaltyMs: flags.retryPenalty }
  const found = await survey(source, rules)
  const { footer } = found
  const from = known?.sha256 === footer.sha256 ? known : newProgress(target, footer.sha256, rules.asOf)
  const total = footer.requests + footer.pages
  note(output, `${footer.requests} requests into ${target.queueName}: about ${formatCost(found.commands)}.`)
  if (from.done > 0) note(output, `Going on after line ${from.done}.`)

  const view = showLine(output)
  const { signal, release } = onInterrupt(() => view.set("stopping; run the same command again to go on"))
  try {
    const report = await restoreDump({
      ...{ ...target, source, survey: found, signal, done: from.done },
      onDone: (done) => {
        writeRestoreProgress(file, { ...from, done })
        view.set(`${Math.min(done, total)}/${total} lines`)
      },
    })
    view.close()
    tell(output, target, report)
  } catch (error) {
    view.close()
    if (signal.aborted)
      throw new Interrupted(`Interrupted: run the same command again to go on with ${file}.`)
    throw error
  } finally {
    release()
  }
}

/** Of another target there is none: the file may be restored into several. */
function knownProgress(file: string, { redis, queueName }: StoreTarget): RestoreProgress | null {
  const known = readRestoreProgress(file)
  return known?.url === originOf(redis.url) && known.queueName === queueName ? known : null
}

function newProgress({ redis, queueName }: StoreTarget, sha256: string, asOf: number): RestoreProgress {
  return { version: 1, sha256, url: originOf(redis.url), queueName, asOf, done: 0 }
}

/** Without what could be a secret. */
function originOf(url: string): string {
  return new URL(url).origin
}

function tell(output: Output, { queueName }: StoreTarget, report: RestoreReport): void {
  const { differences, states, left, commands } = report
  if (differences.length > 0) process.exitCode = EXIT.failed
  if (output.isJson) {
    printJson(output, { queueName, ...report })
    return
  }
  print(output, formatStates(output, states))
  if (left.expired > 0) note(output, `${left.expired} requests were past their time and are left out.`)
  if (left.repeated > 0)
    note(output, `${left.repeated} lines of batches are left out: their batches enqueue them.`)
  if (differences.length > 0) {
    const rows = differences.map(({ organizationId, what, expected, found }) => [
      ...[harmless(organizationId ?? "–"), what, expected, found],
    ])
    note(output, "What is stored is not what the backup holds:")
    print(output, formatTable(output.out, ["organization", "what", "expected", "found"], rows))
    return
  }
  note(
    output,
    `Restored and verified, by ${formatCost(commands)}. ${queueName} is paused: look at it, then resume it`,
  )
  note(output, "by POST /v1/queue/resume.")
}
