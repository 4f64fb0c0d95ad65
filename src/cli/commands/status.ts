import type { Command } from "commander"
import { AIRequestQueueError, type StatusReply } from "../../client/client.ts"
import { formatDuration, formatInstant } from "../format.ts"
import { formatFields, formatTable, harmless, type Output, paintState, print, printJson } from "../output.ts"
import { openSession } from "../session.ts"
import { addWaitOptions, showOutcome, type WaitFlags } from "../wait.ts"

export function addStatus(program: Command): void {
  const command = program
    .command("status")
    .summary("show a request; --wait prints its answer once it has one")
    .description("Shows a request: where it is, its attempts, and its answer or error.")
    .argument("<requestId>")
  addWaitOptions(command).action(async (requestId: string, flags: WaitFlags) => {
    const { client, output } = openSession(command)
    if (flags.wait === true) return showOutcome(client, output, requestId, flags)
    const request = await client.status(requestId)
    if (request === null) {
      throw new AIRequestQueueError("not_found", `${requestId} is not known, or its time to live is over.`)
    }
    if (output.isJson) return printJson(output, request)
    print(output, format(output, request))
  })
}

function format({ out }: Output, request: StatusReply): string {
  const { usage, costUsd, error, attempts, response } = request
  const parts = [
    formatFields(out, [
      ["request", request.requestId],
      ["state", paintState(out, request.state) + (request.simulated ? " (simulated)" : "")],
      ["asked for", `${request.provider} ${harmless(request.model)}`],
      ["priority", request.priority],
      ["organization", request.organizationId],
      ["position", request.position],
      ["expected start", formatInstant(request.estimatedStartAt?.p50)],
      ["created", formatInstant(request.createdAt)],
      ["scheduled for", formatInstant(request.scheduledAt)],
      ["deadline", formatInstant(request.deadlineAt)],
      ["finished", formatInstant(request.finishedAt)],
      ["tokens", usage === null ? null : `${usage.inputTokens} in, ${usage.outputTokens} out`],
      ["cost", costUsd === null ? null : `$${costUsd}`],
      ["replays", request.replays === 0 ? null : request.replays],
      ["error", error === null ? null : `${error.code}: ${harmless(error.message)}`],
      ...Object.entries(request.metadata).map(([name, value]): [string, string] => [
        harmless(name),
        harmless(value),
      ]),
    ]),
  ]
  if (attempts.length > 0) {
    const rows = attempts.map(({ number, provider, model, startedAt, finishedAt, result, error }) => [
      number,
      `${provider} ${harmless(model)}`,
      result,
      formatDuration(finishedAt - startedAt),
      error?.code ?? null,
    ])
    parts.push(formatTable(out, ["attempt", "target", "result", "took", "error"], rows))
  }
  const answer = response?.choices[0]?.message.content
  if (answer) parts.push(out.isTTY ? harmless(answer) : answer)
  return parts.join("\n\n")
}
