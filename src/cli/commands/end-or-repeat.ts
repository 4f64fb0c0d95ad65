import type { Command } from "commander"
import { EXIT, exitCodeOf, explain, toJson } from "../exit.ts"
import { note, paintState, print, printJson } from "../output.ts"
import { openSession, type Session } from "../session.ts"

/** What two commands do to each of several requests. */
export function addCancelAndReplay(program: Command): void {
  const cancel = program
    .command("cancel")
    .summary("end requests that nobody waits for")
    .description("Cancels requests, also while they are being processed. A failed one is discarded for good.")
    .argument("<requestId...>")
    .action((ids: string[]) => forEach(openSession(cancel), ids, ({ client }, id) => client.cancel(id)))
  const replay = program
    .command("replay")
    .summary("try failed requests again")
    .description("Gives failed requests another life: retries and age start anew, the history stays.")
    .argument("<requestId...>")
    .addHelpText(
      "after",
      `
Example: all that failed, at most 100
  $ ai-request-queue list --state failed --limit 100 --json | jq -r .requestId | xargs ai-request-queue replay`,
    )
    .action((ids: string[]) => forEach(openSession(replay), ids, ({ client }, id) => client.replay(id)))
}

/** One after the other; what fails does not keep the rest from its turn, unless the queue is away. */
async function forEach(
  session: Session,
  requestIds: string[],
  act: (
    session: Session,
    requestId: string,
  ) => Promise<{ requestId: string; state: string; discarded?: true }>,
): Promise<void> {
  const { output } = session
  for (const requestId of requestIds) {
    try {
      const done = await act(session, requestId)
      const state = done.discarded ? "discarded" : done.state
      if (output.isJson) printJson(output, done)
      else print(output, `${done.requestId} ${paintState(output.out, state)}`)
    } catch (error) {
      if (requestIds.length === 1 || exitCodeOf(error) !== EXIT.failed) throw error
      process.exitCode = EXIT.failed
      if (output.isJson) printJson(output, { requestId, ...toJson(error) })
      else note(output, `${requestId} ${explain(error).split("\n")[0]}`)
    }
  }
}
