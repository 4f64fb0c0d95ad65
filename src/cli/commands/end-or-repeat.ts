import type { Command } from "commander"
import { EXIT, exitCodeOf, explain, toJson, UsageError } from "../exit.ts"
import { note, paintState, print, printJson } from "../output.ts"
import { openSession, type Session } from "../session.ts"
import { addFilterOptions, namesRequests, runSweep } from "../sweep.ts"

/** What is done to requests: to those whose ids are given, or to all that options name. */
export function addCancelAndReplay(program: Command): void {
  const cancel = program
    .command("cancel")
    .summary("end requests that nobody waits for")
    .description(
      "Cancels requests, also while they are being processed: by their ids, or all that the options name. " +
        "A failed one is discarded for good when it is named by its id.",
    )
    .argument("[requestId...]")
    .action((ids: string[]) => byIdOrFilter(cancel, "cancel", ids, ({ client }, id) => client.cancel(id)))
  addFilterOptions(cancel, "cancel").addHelpText(
    "after",
    `
Example: what has not started, of one organization
  $ ai-request-queue cancel --state pending --organization org-123`,
  )
  const replay = program
    .command("replay")
    .summary("try failed requests again")
    .description(
      "Gives failed requests another life: retries and age start anew, the history stays. By their ids, or all that the options name.",
    )
    .argument("[requestId...]")
    .action((ids: string[]) => byIdOrFilter(replay, "replay", ids, ({ client }, id) => client.replay(id)))
  addFilterOptions(replay, "replay").addHelpText(
    "after",
    `
Example: what a key had failed that works again
  $ ai-request-queue replay --error-code provider_auth --provider openai`,
  )
  const discard = program
    .command("discard")
    .summary("give failed requests up")
    .description("Discards all failed requests that the options name, for good. A single one: cancel.")
    .action(() => runSweep(discard, "discard"))
  addFilterOptions(discard, "discard")
}

function byIdOrFilter(command: Command, verb: "cancel" | "replay", ids: string[], act: Act): Promise<void> {
  if (ids.length === 0) return runSweep(command, verb)
  if (namesRequests(command)) throw new UsageError("Give ids or options that name requests, not both.")
  return forEach(openSession(command), ids, act)
}

type Act = (
  session: Session,
  requestId: string,
) => Promise<{ requestId: string; state: string; discarded?: true }>

/** One after the other; what fails does not keep the rest from its turn, unless the queue is away. */
async function forEach(session: Session, requestIds: string[], act: Act): Promise<void> {
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
