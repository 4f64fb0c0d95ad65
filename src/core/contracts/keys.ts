import * as z from "zod/mini"
import { PRIORITIES } from "../request.ts"
import { ORGANIZATION_ID, ORGANIZATION_ID_RULE, SCOPES } from "./access.ts"
import { membersOf } from "./members.ts"
import { type Problem, problem } from "./problem.ts"
import { whole } from "./whole.ts"

const LAST_INSTANT = 99_999_999_999_999
const MAX_RATE = 1_000_000

const ORGANIZATIONS = new RegExp(`^\\*$|${ORGANIZATION_ID.source}`)

/** The body of `POST /v1/keys`. */
export const KeyBody = z.strictObject({
  name: z.string().check(z.minLength(1), z.maxLength(128)),
  organizationId: z.string().check(z.regex(ORGANIZATIONS, { error: `${ORGANIZATION_ID_RULE}, or "*"` })),
  scopes: z.array(z.enum(SCOPES)).check(z.minLength(1), z.maxLength(SCOPES.length)),
  expiresAt: z.exactOptional(z.nullable(whole(0, LAST_INSTANT))),
  maxPriority: z.exactOptional(z.nullable(z.enum(PRIORITIES))),
  ratePerMinute: z.exactOptional(z.nullable(whole(1, MAX_RATE))),
})

/** What no single member can tell. */
export function keyProblems(value: unknown, now: number): Problem[] {
  const members = membersOf(value)
  const problems: Problem[] = []
  if (Array.isArray(members.scopes) && members.scopes.includes("admin") && members.organizationId !== "*") {
    problems.push(problem(["scopes"], 'may hold "admin" only with the organizationId "*"'))
  }
  if (typeof members.expiresAt === "number" && members.expiresAt <= now) {
    problems.push(problem(["expiresAt"], "must not be past"))
  }
  return problems
}
