import { type Command, Option } from "commander"
import type { AIRequestQueueClient, FinishedRequest } from "../client/client.ts"
import { EXIT } from "./exit.ts"
import { harmless, note, type Output, print, printJson } from "./output.ts"
import { readDuration } from "./values.ts"

export interface WaitFlags {
  wait?: boolean
  waitTimeout: number
}

export function addWaitOptions(command: Command): Command {
  return command
    .option("-w, --wait", "wait until it has ended; exit 1 unless it is completed")
    .addOption(
      new Option("--wait-timeout <duration>", "how long at most; then exit 4")
        .argParser(readDuration)
        .default(600_000, "10m"),
    )
}

/** Waits, and prints the answer alone: on a terminal without what could steer it. */
export async function showOutcome(
  client: AIRequestQueueClient,
  output: Output,
  requestId: string,
  { waitTimeout }: WaitFlags,
): Promise<void> {
  const request = await client.waitFor(requestId, { timeoutMs: waitTimeout })
  if (request.state !== "completed") process.exitCode = EXIT.failed
  if (output.isJson) return printJson(output, request)
  if (request.state !== "completed") return note(output, describeFailure(request))
  const answer = answerOf(request)
  print(output, output.out.isTTY ? harmless(answer) : answer)
}

/** The text, or the whole message where there is none, as with tool calls. */
function answerOf({ response }: FinishedRequest): string {
  const message = response?.choices[0]?.message
  return message?.content ?? JSON.stringify(message ?? null)
}

function describeFailure({ requestId, state, error }: FinishedRequest): string {
  return `${requestId} ${state === "failed" ? "failed" : `is ${state}`}${error === null ? "" : `: ${error.code}: ${harmless(error.message)}`}`
}
