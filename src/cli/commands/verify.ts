import type { Command } from "commander"
import { survey } from "../../backup/survey.ts"
import { openDump } from "../backup/dump-file.ts"
import { formatStates } from "../backup/show.ts"
import { createOutput, note, print, printJson } from "../output.ts"

export function addVerify(program: Command): void {
  const command = program
    .command("verify")
    .summary("look whether a backup's file is whole")
    .description(
      "Reads a backup's file from its first line to its last: checksum, formats and counts. Needs no store.",
    )
    .argument("<file>")
    .action(async (file: string) => {
      const output = createOutput(command.optsWithGlobals<{ json?: boolean }>().json === true)
      const { header, footer, tally } = await survey(openDump(file), { asOf: Date.now(), retryPenaltyMs: 0 })
      const { queueName, startedAt, isPaused } = header
      const { requests, states, sha256 } = footer
      if (output.isJson) {
        return printJson(output, {
          file,
          queueName,
          startedAt,
          isPaused,
          requests,
          states,
          sha256,
          left: tally.left,
        })
      }
      print(output, formatStates(output, states))
      note(
        output,
        `${file} is whole: ${requests} requests of ${queueName}, ${new Date(startedAt).toISOString()}.`,
      )
    })
}
