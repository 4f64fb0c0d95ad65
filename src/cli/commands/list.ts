import { type Command, Option } from "commander"
import type { ListedRequest, ListFilter } from "../../client/client.ts"
import { ERROR_CODES, type ErrorCode } from "../../core/outcome.ts"
import { PRIORITIES, type Priority, type RequestState, STATES } from "../../core/request.ts"
import { formatInstant } from "../format.ts"
import { formatTable, harmless, note, paintState, print, printJson } from "../output.ts"
import { openSession } from "../session.ts"
import { readCount } from "../values.ts"

interface Flags {
  state?: RequestState
  organization?: string
  provider?: string
  model?: string
  priority?: Priority
  errorCode?: ErrorCode
  limit: number
}

export function addList(program: Command): void {
  const command = program
    .command("list")
    .summary("show requests, newest first")
    .description(
      "Lists requests, newest first. A key for all organizations names a state or an organization.",
    )
    .addOption(new Option("--state <state>", "only these").choices(STATES))
    .addOption(new Option("--organization <id>", "only these").env("AIQ_ORGANIZATION"))
    .option("--provider <name>", "only those that asked for it")
    .option("--model <name>", "only those that asked for it")
    .addOption(new Option("--priority <level>", "only these").choices(PRIORITIES))
    .addOption(
      new Option("--error-code <code>", "only those whose last attempt came to this").choices(ERROR_CODES),
    )
    .option("--limit <n>", "at most that many; as many calls as it needs", readCount, 20)
    .action(async ({ organization, limit, ...same }: Flags) => {
      const { client, output } = openSession(command)
      const filter: ListFilter = {
        ...same,
        ...(organization === undefined ? {} : { organizationId: organization }),
      }
      const found: ListedRequest[] = []
      for await (const request of client.list(filter)) {
        if (found.length === limit) break
        found.push(request)
        if (output.isJson) printJson(output, request)
      }
      if (output.isJson) return
      if (found.length === 0) return note(output, "There are none.")
      const rows = found.map((request) => [
        request.requestId,
        paintState(output.out, request.state),
        request.priority,
        request.organizationId,
        `${request.provider} ${harmless(request.model)}`,
        formatInstant(request.createdAt),
        request.error?.code ?? null,
      ])
      const head = ["request", "state", "priority", "organization", "asked for", "created", "error"]
      print(output, formatTable(output.out, head, rows))
    })
}
