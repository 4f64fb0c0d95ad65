import { requireEveryOrganization } from "../auth/principal.ts"
import { HistoryQuery } from "../core/contracts/parameters.ts"
import { invalid, type Problem, problem } from "../core/contracts/problem.ts"
import type { HistorySpan } from "../queue/figures-contract.ts"
import { MINUTES_KEPT_MS } from "../queue/history.ts"
import type { App, AppContext } from "./context.ts"
import { readQuery } from "./query.ts"
import { resource, servicesOf } from "./resource.ts"

const HOUR_MS = 3_600_000
const MAX_POINTS = 1500

/** The figures of the past, for charts. */
export function mountHistory(app: App): void {
  resource(app, "/v1/stats/history", { GET: { scope: "read", handle: readHistory } })
}

async function readHistory(c: AppContext): Promise<Response> {
  const { clock, queue } = servicesOf(c)
  const now = clock()
  const { to = now, step, ...query } = readQuery(c, HistoryQuery)
  const span = { from: query.from ?? to - HOUR_MS, to, stepMs: step * 1000 }
  const problems = problemsOf(span, now)
  if (problems.length > 0) throw invalid("The query", problems)
  requireEveryOrganization(c.get("principal"))
  return c.json(await queue.history(span))
}

function problemsOf({ from, to, stepMs }: HistorySpan, now: number): Problem[] {
  if (from >= to) return [problem(["from"], "must be before to (default: now)")]
  const problems: Problem[] = []
  if ((to - from) / stepMs > MAX_POINTS) {
    problems.push(
      problem(["step"], `makes more than ${MAX_POINTS} points: take a longer one, or a shorter span`),
    )
  }
  if (from < now - MINUTES_KEPT_MS && stepMs % HOUR_MS !== 0) {
    const rule = "must be whole hours (3600, 7200 …) from so long ago: minutes are kept for a day"
    problems.push(problem(["step"], rule))
  }
  return problems
}
