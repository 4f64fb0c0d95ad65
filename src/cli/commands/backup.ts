import type { Command } from "commander"
import { backUp } from "../../backup/back-up.ts"
import { createDump } from "../backup/dump-file.ts"
import { formatCost, formatStates, showLine } from "../backup/show.ts"
import { addStoreOptions, readStore, type StoreFlags } from "../backup/store-options.ts"
import { Interrupted } from "../exit.ts"
import { onInterrupt } from "../on-interrupt.ts"
import { createOutput, note, print, printJson } from "../output.ts"

const DETAILS = `
The file holds everything: prompts, answers, digests of API keys, webhook secrets. Only its owner may read it (0600); treat
it as a secret. Zipped where its name ends in .gz.

The queue may go on meanwhile. Then each request is in the file as it stood at some instant, each that was accepted before
the backup began is in it once, and what was accepted meanwhile may be missing. With --pause nothing starts from the
beginning on, and what is in flight is waited for: nothing will be called twice after a restore. It stays paused.

Example:
  $ ai-request-queue backup queue-2026-12-01.jsonl.gz`

export function addBackup(program: Command): void {
  const command = program
    .command("backup")
    .summary("copy a queue from its store into a file")
    .description("Copies everything that a queue has stored into a file, over the store's REST API.")
    .argument("<file>", "a new file")
    .option("--pause", "pause the queue first, and wait until nothing is in flight")
    .addHelpText("after", DETAILS)
    .action((file: string, flags: StoreFlags & { pause?: boolean }) => backUpInto(file, flags, command))
  addStoreOptions(command)
}

async function backUpInto(
  file: string,
  flags: StoreFlags & { pause?: boolean },
  command: Command,
): Promise<void> {
  const output = createOutput(command.optsWithGlobals<{ json?: boolean }>().json === true)
  const target = readStore(flags)
  const dump = createDump(file)
  const view = showLine(output)
  const { signal, release } = onInterrupt(() => view.set("stopping"))
  let expected = 0
  try {
    const footer = await backUp({
      ...target,
      ...{ pause: flags.pause === true, signal, sink: dump },
      onEstimate: ({ requests, keys, commands }) => {
        expected = requests
        note(output, `${requests} requests and ${keys} other keys: about ${formatCost(commands)}.`)
      },
      onProgress: ({ requests, pages }) =>
        view.set(`${requests}/${expected} requests, ${pages} pages of keys`),
      onWaiting: (inFlight) => view.set(`paused; ${inFlight} calls in flight are waited for`),
    })
    await dump.finish()
    view.close()
    const { requests, states, commands, sha256 } = footer
    if (output.isJson)
      return printJson(output, { file, queueName: target.queueName, requests, states, commands, sha256 })
    print(output, formatStates(output, states))
    note(
      output,
      `${requests} requests in ${file}, by ${formatCost(commands)}. It holds secrets: keep it safe.`,
    )
    if (flags.pause === true) note(output, "The queue is paused: POST /v1/queue/resume lets it go on.")
  } catch (error) {
    view.close()
    dump.discard()
    throw signal.aborted ? new Interrupted("The backup is interrupted, and there is no file.") : error
  } finally {
    release()
  }
}
