import type * as z from "zod/mini"
import { check, invalid, type Problem, problem } from "../core/contracts/problem.ts"
import type { AppContext } from "./context.ts"

/** Reads the query by a schema whose members are texts. An empty value is none. Throws `invalid_request`. */
export function readQuery<Schema extends z.core.$ZodType>(c: AppContext, schema: Schema): z.output<Schema> {
  const given = Object.entries(c.req.queries()).filter(([, values]) => values.join("") !== "")
  const repeated = given.filter(([, values]) => values.length > 1)
  const problems: Problem[] = repeated.map(([name]) => problem([name], "is given more than once"))
  const read = check(schema, Object.fromEntries(given.map(([name, values]) => [name, values[0]])))
  if (read.value === null || problems.length > 0) throw invalid("The query", [...problems, ...read.problems])
  return read.value
}
