import * as z from "zod/mini"
import type { RequestFilter } from "../request-filter.ts"
import type { SweepVerb } from "../sweep.ts"
import { isObject, membersOf } from "./members.ts"
import { filterMembers } from "./parameters.ts"
import { check, type Problem, problem } from "./problem.ts"
import { explainUnknown } from "./unknown-member.ts"
import { whole } from "./whole.ts"

const LAST_INSTANT = 99_999_999_999_999
/** Of those that match, a page acts on no more: what it needs of the store is then a few round trips. */
const LIMITS = [1, 200] as const

const CURSOR_RULE = "must be the nextCursor of an earlier page: the first has none, and null ends them"

export const Filter = z.strictObject({
  ...filterMembers,
  createdAfter: z.exactOptional(whole(0, LAST_INSTANT)),
  createdBefore: z.exactOptional(whole(0, LAST_INSTANT)),
})

/** The body of `POST /v1/requests/{cancel,replay,discard}`. */
export const SweepBody = z.strictObject({
  filter: z._default(Filter, {}),
  dryRun: z._default(z.boolean(), false),
  all: z._default(z.boolean(), false),
  limit: z._default(whole(...LIMITS), 100),
  // Not null either, which is what the last page answers: taken for a beginning, a loop would never end.
  cursor: z.exactOptional(z.string({ error: CURSOR_RULE }).check(z.minLength(1), z.maxLength(512))),
})

export type SweepAsked = z.output<typeof SweepBody>

/** Reads it. `isOperator`: the key is for all organizations. */
export function readSweep(
  verb: SweepVerb,
  value: unknown,
  isOperator: boolean,
): { asked: SweepAsked; problems: [] } | { asked: null; problems: Problem[] } {
  const read = check(SweepBody, value)
  if (read.value !== null) {
    const problems = [...senseless(verb, read.value.filter), ...unbounded(verb, read.value, isOperator)]
    return problems.length > 0 ? { asked: null, problems } : { asked: read.value, problems: [] }
  }
  const { filter } = membersOf(value)
  const known = isObject(filter) || filter === undefined ? Object.keys(SweepBody.shape) : []
  return { asked: null, problems: read.problems.map((found) => wayOut(found, known)) }
}

/** A filter's member beside the filter is what gets forgotten most easily. */
function wayOut(found: Problem, known: string[]): Problem {
  const name = found.unknownMember ?? ""
  if (found.path === `/${name}` && Object.hasOwn(Filter.shape, name)) {
    return { ...found, message: `is not known here: use filter.${name}` }
  }
  return explainUnknown(found, found.path.startsWith("/filter/") ? Object.keys(Filter.shape) : known)
}

function senseless(verb: SweepVerb, filter: RequestFilter): Problem[] {
  const { state, errorCode, createdAfter = 0, createdBefore = LAST_INSTANT + 1 } = filter
  const problems: Problem[] = []
  if (state !== undefined) problems.push(...stateProblems(verb, state))
  if (verb === "cancel" && errorCode !== undefined) {
    problems.push(
      problem(["filter", "errorCode"], "is of failed requests alone: replay or discard them instead"),
    )
  }
  if (createdAfter >= createdBefore) {
    problems.push(problem(["filter", "createdBefore"], "must be later than createdAfter"))
  }
  return problems
}

const UNFINISHED: readonly string[] = ["scheduled", "pending", "processing"]

function stateProblems(verb: SweepVerb, state: string): Problem[] {
  const path = ["filter", "state"]
  const isUnfinished = UNFINISHED.includes(state)
  if (verb !== "cancel") {
    if (state === "failed") return []
    const instead = isUnfinished && verb === "discard" ? ": cancel these instead" : ""
    return [problem(path, `must be "failed", or left out, to ${verb} requests${instead}`)]
  }
  if (isUnfinished) return []
  const instead = state === "failed" ? "discard these instead" : "what has ended stays as it is"
  return [problem(path, `must be one of ${UNFINISHED.join(", ")} to cancel requests: ${instead}`)]
}

/** A filter that was forgotten, or came out empty, must not touch everything. */
function unbounded(verb: SweepVerb, { filter, dryRun, all }: SweepAsked, isOperator: boolean): Problem[] {
  if (dryRun || all) return []
  if (Object.keys(filter).length === 0) {
    return [problem(["filter"], "is empty, which means all requests: name some, or set all to true")]
  }
  const isNamed = filter.state !== undefined || filter.organizationId !== undefined
  if (verb !== "cancel" || isNamed || !isOperator) return []
  const way = "or organizationId is required with a key for all organizations, or set all to true"
  return [problem(["filter", "state"], way)]
}
