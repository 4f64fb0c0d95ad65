import { type Command, InvalidArgumentError, Option } from "commander"
import type { NewKey } from "../../client/client.ts"
import { SCOPES, type Scope } from "../../core/contracts/access.ts"
import { PRIORITIES, type Priority } from "../../core/request.ts"
import { formatInstant } from "../format.ts"
import { formatTable, harmless, note, print, printJson } from "../output.ts"
import { openSession } from "../session.ts"
import { readCount, readDuration } from "../values.ts"

interface IssueFlags {
  name: string
  organization: string
  scopes: Scope[]
  expiresIn?: number
  maxPriority?: Priority
  rate?: number
}

export function addKeys(program: Command): void {
  const keys = program
    .command("keys")
    .summary("issue, list and revoke API keys")
    .description("API keys of the queue. All of it needs a key with the scope admin.")
  addIssue(keys)
  const list = keys
    .command("list")
    .description("Lists the keys, newest first, without what they are themselves.")
    .action(async () => {
      const { client, output } = openSession(list)
      const found = await client.keys.list()
      if (output.isJson) {
        for (const key of found) printJson(output, key)
        return
      }
      if (found.length === 0) return note(output, "There are none.")
      const rows = found.map((key) => [
        key.keyId,
        harmless(key.name),
        key.organizationId,
        key.scopes.join(","),
        formatInstant(key.createdAt),
        formatInstant(key.expiresAt),
      ])
      print(
        output,
        formatTable(output.out, ["key", "name", "organization", "scopes", "created", "expires"], rows),
      )
    })
  const revoke = keys
    .command("revoke")
    .description("Ends a key; within 30 s it stops working.")
    .argument("<keyId>")
    .action(async (keyId: string) => {
      const { client, output } = openSession(revoke)
      await client.keys.revoke(keyId)
      if (output.isJson) return printJson(output, { keyId, revoked: true })
      print(output, `${keyId} revoked`)
    })
}

function addIssue(keys: Command): void {
  const issue = keys
    .command("issue")
    .description("Issues a key and prints it: this once, since the queue keeps only its digest.")
    .requiredOption("--name <text>", "what it is for")
    .requiredOption("--organization <id>", 'whose it is; "*" for all of them')
    .option("--scopes <list>", SCOPES.join(","), readScopes, ["enqueue", "read", "cancel"])
    .option("--expires-in <duration>", "such as 30d; default: never", readDuration)
    .addOption(new Option("--max-priority <level>", "it may ask for no more").choices(PRIORITIES))
    .option("--rate <n>", "calls a minute; default: any number", readCount)
    .action(async (flags: IssueFlags) => {
      const { client, output } = openSession(issue)
      const { name, organization, scopes, expiresIn, maxPriority, rate } = flags
      const key: NewKey = {
        ...{ name, organizationId: organization, scopes },
        expiresAt: expiresIn === undefined ? null : Date.now() + expiresIn,
        maxPriority: maxPriority ?? null,
        ratePerMinute: rate ?? null,
      }
      const issued = await client.keys.issue(key)
      if (output.isJson) return printJson(output, issued)
      note(output, `Key ${issued.keyId} of ${issued.organizationId}. Keep it safe: it is not shown again.`)
      print(output, issued.key)
    })
}

function readScopes(text: string): Scope[] {
  const names = text.split(",").map((name) => name.trim())
  const known = SCOPES.filter((scope) => names.includes(scope))
  if (known.length < new Set(names).size) {
    throw new InvalidArgumentError(`Give one or more of ${SCOPES.join(", ")}, separated by commas.`)
  }
  return known
}
