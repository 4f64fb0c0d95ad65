import * as z from "zod/mini"
import { AppError, type FieldProblem } from "../errors.ts"

/** What can be wrong with a body; the first of these that applies to all of its problems names the answer. */
type BodyProblemCode = "invalid_request" | "not_supported" | "provider_not_configured"

/** One thing wrong with a body or a query. */
export interface Problem extends FieldProblem {
  code: BodyProblemCode
  /** The name of a member that the schema does not know. */
  unknownMember?: string
}

export type Path = readonly PropertyKey[]

/** A hostile body can hold half a million mistakes; nobody reads more than these. */
export const MAX_PROBLEMS = 100

const MAX_SHOWN_PATH = 200

export function problem(path: Path, message: string, code: BodyProblemCode = "invalid_request"): Problem {
  return { path: toPointer(path), message, code }
}

/** The error for these problems, at least one. `what` names where they are, such as "The body". */
export function invalid(what: string, problems: Problem[]): AppError {
  const codes = problems.map(({ code }) => code)
  const code = (["invalid_request", "not_supported"] as const).find((each) => codes.includes(each))
  const errors = problems.slice(0, MAX_PROBLEMS).map(({ path, message }) => ({ path, message }))
  const [first] = errors
  const detail =
    errors.length === 1 && first !== undefined
      ? `${what} has a problem: ${shorten(first.path) || what.toLowerCase()} ${first.message}.`
      : `${what} has ${problems.length > MAX_PROBLEMS ? `more than ${MAX_PROBLEMS}` : errors.length} problems: see errors.`
  return new AppError(code ?? "provider_not_configured", detail, { errors })
}

/** For people to read; `errors` has the whole path, which may hold a name as long as the body. */
export function shorten(path: string): string {
  return path.length > MAX_SHOWN_PATH ? `${path.slice(0, MAX_SHOWN_PATH).toWellFormed()}…` : path
}

/** Parses what came from outside. Problems carry the path below `at`, in words that continue "this member …". */
export function check<Schema extends z.core.$ZodType>(
  schema: Schema,
  value: unknown,
  at: Path = [],
): { value: z.output<Schema>; problems: [] } | { value: null; problems: Problem[] } {
  // `jitless`: Workers forbid generated code, so trying it is wasted time.
  const parsed = z.safeParse(schema, value, { error: describe, jitless: true })
  if (parsed.success) return { value: parsed.data, problems: [] }
  return { value: null, problems: flatten(parsed.error.issues, at) }
}

type Issue = z.core.$ZodIssue
type UnionIssue = Extract<Issue, { code: "invalid_union" }>

function flatten(issues: readonly Issue[], at: Path): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = [...at, ...issue.path]
    if (issue.code === "unrecognized_keys") {
      return issue.keys
        .slice(0, MAX_PROBLEMS)
        .map((key) => ({ ...problem([...path, key], "is not known here"), unknownMember: key }))
    }
    if (issue.code === "invalid_key") {
      return issue.issues.map(({ message }) => problem(path, `has a bad name: it ${message}`))
    }
    const branch = issue.code === "invalid_union" ? branchMeant(issue) : undefined
    return branch === undefined ? [problem(path, issue.message)] : flatten(branch, path)
  })
}

/** The branch of a union whose own type fits, so whose complaints lie deeper. */
function branchMeant(issue: UnionIssue): readonly Issue[] | undefined {
  return issue.errors.find(
    ([first]) => first !== undefined && (first.path.length > 0 || first.code !== "invalid_type"),
  )
}

/** Every number that is taken here is a whole one. */
const TYPES: Record<string, string> = {
  string: "a string",
  number: "a whole number",
  boolean: "true or false",
  array: "an array",
  object: "an object",
  record: "an object",
  null: "null",
}

function describe(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined) return "is required"
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPES[issue.expected] ?? issue.expected}`
    case "invalid_value":
      return `must be ${oneOf(issue.values)}`
    case "too_small":
      return issue.minimum === 1
        ? "must not be empty"
        : `must be at least ${quantity(issue.minimum, issue.origin)}`
    case "too_big":
      return `must be at most ${quantity(issue.maximum, issue.origin)}`
    case "invalid_union":
      return describeUnion(issue)
    default:
      return "is not valid"
  }
}

function describeUnion(issue: z.core.$ZodRawIssue & { code: "invalid_union" }): string {
  const { discriminator, options } = issue as { discriminator?: string; options?: z.core.util.Primitive[] }
  if (discriminator !== undefined && options !== undefined) return `must be ${oneOf(options)}`
  const expected = issue.errors.flatMap(([first]) => (first?.code === "invalid_type" ? [first.expected] : []))
  return `must be ${expected.map((type) => TYPES[type] ?? type).join(" or ")}`
}

function oneOf(values: readonly z.core.util.Primitive[]): string {
  const names = values.map((value) => JSON.stringify(value))
  return names.length === 1 ? String(names[0]) : `one of ${names.join(", ")}`
}

function quantity(bound: number | bigint, origin: string): string {
  const unit = { string: " characters", array: " entries", record: " members" }[origin]
  return `${bound}${unit ?? ""}`
}

/** RFC 6901. */
function toPointer(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")
}
