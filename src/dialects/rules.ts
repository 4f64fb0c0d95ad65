import type { Config } from "../core/config.ts"
import type { RequestRules } from "../core/contracts/new-request.ts"
import type { Problem } from "../core/contracts/problem.ts"

/** What reading a vendor's body depends on, beside the body itself. */
export interface DialectRules extends RequestRules {
  config: RequestRules["config"] & Pick<Config, "models">
  /** Members of a `POST /v1/requests` body that win: `priority`, `timeoutMs`, `organizationId`, `deadlineAt` … */
  given: Record<string, unknown>
}

/** A problem of our request, as one of the vendor's body: `renamed` has its members' names there, by ours. */
export function inVendorsWords(found: Problem, below: string, renamed: Record<string, string>): Problem {
  const rest = found.path.slice(below.length)
  const [, member = "", deeper = ""] = /^\/([^/]*)(.*)$/.exec(rest) ?? []
  const name = renamed[member]
  return name === undefined ? found : { ...found, path: `${below}${name}${deeper}` }
}

/** Vendors take null for "not set". */
export function withoutNulls(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null))
}
