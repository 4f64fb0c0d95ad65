import { FINISHED_STATES, type FinishedState, PRIORITIES, type Priority } from "../../src/core/request.ts"
import { type DemoRequest, isOpen } from "./run-requests.ts"

/** How the requests of one priority stand, or of all. */
export interface Tally {
  label: Priority | "all"
  requests: number
  posted: number
  /** In line or backing off. */
  waiting: number
  processing: number
  outcomes: Record<FinishedState, number>
  retried: number
  /** Refused, lost, or with an outcome that does not count. */
  problems: number
  /** From being accepted to the first call, ms, ascending. */
  waits: number[]
}

/** One row a priority, then one for all of them. */
export function tallyByPriority(requests: DemoRequest[]): Tally[] {
  const rows = PRIORITIES.map((priority) =>
    tally(
      priority,
      requests.filter(({ planned }) => planned.priority === priority),
    ),
  )
  return [...rows, tally("all", requests)]
}

function tally(label: Tally["label"], requests: DemoRequest[]): Tally {
  const count = (test: (request: DemoRequest) => boolean) => requests.filter(test).length
  const outcomes = FINISHED_STATES.map((state) => [
    state,
    count(({ status, problem }) => problem === null && status?.state === state),
  ])
  const posted = count(({ requestId }) => requestId !== null)
  const processing = count((request) => isOpen(request) && request.status?.state === "processing")
  return {
    ...{ label, posted, processing },
    requests: requests.length,
    waiting: count((request) => request.requestId !== null && isOpen(request)) - processing,
    outcomes: Object.fromEntries(outcomes) as Record<FinishedState, number>,
    retried: count(({ status }) => (status?.attempts.length ?? 0) > 1),
    problems: count(({ problem }) => problem !== null),
    waits: requests
      .flatMap(({ status }) => {
        const firstStart = status?.attempts[0]?.startedAt
        return status === null || firstStart === undefined ? [] : [Math.max(0, firstStart - status.createdAt)]
      })
      .sort((a, b) => a - b),
  }
}

/** By nearest rank; null without data. `sorted` ascends. */
export function percentile(sorted: number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
}
