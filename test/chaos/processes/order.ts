import type { RequestStatus } from "../../../src/core/outcome.ts"
import { PRIORITIES } from "../../../src/core/request.ts"

/**
 * Requests that were first called although a more important one had been waiting for `toleranceMs` and went on waiting for as
 * long: pairs of ids. What clocks may differ by, and how long a drain may hold what it has claimed, is no violation.
 */
export function outOfOrder(statuses: RequestStatus[], toleranceMs: number): [string, string][] {
  const firsts = statuses.flatMap(({ requestId, priority, createdAt, attempts: [first] }) =>
    first === undefined
      ? []
      : [{ requestId, level: PRIORITIES.indexOf(priority), createdAt, startedAt: first.startedAt }],
  )
  return firsts.flatMap((late) =>
    firsts
      .filter(
        (early) =>
          early.level > late.level &&
          late.createdAt + toleranceMs < early.startedAt &&
          early.startedAt < late.startedAt - toleranceMs,
      )
      .map((early): [string, string] => [early.requestId, late.requestId]),
  )
}

/** How long each waited for its first call, ms. */
export function waits(statuses: RequestStatus[], priority: RequestStatus["priority"]): number[] {
  return statuses
    .filter((status) => status.priority === priority)
    .flatMap(({ createdAt, attempts: [first] }) => (first === undefined ? [] : [first.startedAt - createdAt]))
}
