import { type Command, Option } from "commander"
import { createLogUpdate } from "log-update"
import type { RequestFilter, SweepOptions, SweepTotals, SweepVerb } from "../client/client.ts"
import { ERROR_CODES, type ErrorCode } from "../core/outcome.ts"
import { PRIORITIES, type Priority, type RequestState, STATES } from "../core/request.ts"
import { ask } from "./ask.ts"
import { Interrupted, UsageError } from "./exit.ts"
import { onInterrupt } from "./on-interrupt.ts"
import { formatTable, isLive, note, type Output, print, printJson } from "./output.ts"
import { openSession, type Session } from "./session.ts"
import { readDuration } from "./values.ts"

// What is done to all requests that options name, instead of ids.

interface Flags {
  state?: RequestState
  organization?: string
  provider?: string
  model?: string
  priority?: Priority
  errorCode?: ErrorCode
  newerThan?: number
  olderThan?: number
  all?: boolean
  dryRun?: boolean
  yes?: boolean
}

const PAST = { cancel: "cancelled", replay: "replayed", discard: "discarded" } as const satisfies Record<
  SweepVerb,
  string
>

export function addFilterOptions(command: Command, verb: SweepVerb): Command {
  command
    .addOption(new Option("--state <state>", "only these").choices(STATES))
    .addOption(new Option("--organization <id>", "only its requests").env("AIQ_ORGANIZATION"))
    .option("--provider <name>", "only those that asked for it")
    .option("--model <name>", "only those that asked for it")
    .addOption(new Option("--priority <level>", "only these").choices(PRIORITIES))
  if (verb !== "cancel") {
    command.addOption(new Option("--error-code <code>", "only those that failed so").choices(ERROR_CODES))
  }
  return command
    .option("--newer-than <duration>", "only those created in that time", readDuration)
    .option("--older-than <duration>", "only those created before it", readDuration)
    .option("--all", "whatever their state and organization")
    .option("--dry-run", "only count them")
    .option("-y, --yes", "do not ask")
}

/** Whether options name requests; a default from the environment alone names none. */
export function namesRequests(command: Command): boolean {
  const given = command.options.map((option) => option.attributeName())
  return given.some(
    (name) => command.getOptionValueSource(name) === "cli" && !["dryRun", "yes"].includes(name),
  )
}

/** Counts and asks first, unless told not to. */
export async function runSweep(command: Command, verb: SweepVerb): Promise<void> {
  const { all = false, dryRun = false, yes = false, ...flags } = command.opts<Flags>()
  if (!dryRun && !namesRequests(command)) {
    throw new UsageError(
      `Say which: by ids${verb === "discard" ? "" : ","} or by options such as --organization; --all is every one.`,
    )
  }
  const session = openSession(command)
  const filter = toFilter(flags, Date.now())
  if (!dryRun && !yes && !process.stdin.isTTY) {
    throw new UsageError(`Nobody can be asked here: --dry-run counts, and --yes does it.`)
  }
  const { signal, release } = onInterrupt(() => note(session.output, "Stopping."))
  try {
    if (dryRun) return showTotals(session.output, verb, await run(session, verb, filter, { dryRun, signal }))
    if (!yes) {
      const found = await run(session, verb, filter, { dryRun: true, signal })
      note(session.output, describe(session.output, found))
      if (found.matched === 0) return
      if (!(await ask(session.output, `${capitalized(verb)} ${found.matched} requests?`, signal))) return
    }
    showTotals(session.output, verb, await run(session, verb, filter, { all, signal }))
  } catch (error) {
    throw signal.aborted
      ? new Interrupted("Interrupted. What is done is done; run it again to go on.")
      : error
  } finally {
    release()
  }
}

function toFilter(flags: Flags, now: number): RequestFilter {
  const { organization, newerThan, olderThan, ...same } = flags
  return {
    ...same,
    ...(organization !== undefined && { organizationId: organization }),
    ...(newerThan !== undefined && { createdAfter: now - newerThan }),
    ...(olderThan !== undefined && { createdBefore: now - olderThan }),
  }
}

/** All pages, with a line on a terminal that tells how far it has come. */
async function run(
  { client, output }: Session,
  verb: SweepVerb,
  filter: RequestFilter,
  options: SweepOptions,
): Promise<SweepTotals> {
  const update = isLive(output, output.err) ? createLogUpdate(output.err, { showCursor: true }) : null
  const onProgress = ({ examined, matched, done }: SweepTotals) =>
    update?.(options.dryRun ? `${matched} found, ${examined} looked at` : `${done} ${PAST[verb]}`)
  const many = { cancel: client.cancelMany, replay: client.replayMany, discard: client.discardMany }[verb]
  try {
    return await many.call(client, filter, { ...options, onProgress })
  } finally {
    update?.clear()
  }
}

function showTotals(output: Output, verb: SweepVerb, totals: SweepTotals): void {
  const { matched, done, skipped } = totals
  const left = skipped === 0 ? "" : `, ${skipped} no longer in that state`
  if (output.isJson) printJson(output, totals)
  else if (matched === 0) note(output, "There are none.")
  else print(output, done + skipped === 0 ? describe(output, totals) : `${done} ${PAST[verb]}${left}`)
}

function describe({ out }: Output, { matched, groups }: SweepTotals): string {
  if (matched === 0) return "There are none."
  const rows = groups.map(({ provider, errorCode, count }) => [provider, errorCode, count])
  return `${formatTable(out, ["provider", "error", "requests"], rows)}\n${matched} in all`
}

function capitalized(verb: string): string {
  return verb.charAt(0).toUpperCase() + verb.slice(1)
}
