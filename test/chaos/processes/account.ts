import { expect } from "vitest"
import type { CallRecord } from "../../../dev/simulator/calls.ts"
import type { AttemptRecord, RequestStatus } from "../../../src/core/outcome.ts"
import type { RequestQueue } from "../../../src/queue/contract.ts"
import { expectConserved } from "../../helpers/conserved.ts"
import type { RawRedis } from "../../helpers/store.ts"

/** What became of the requests of a run. */
export interface Account {
  /** In the order in which they came. */
  statuses: RequestStatus[]
  completed: number
  /** Failed because three leases were lost. */
  givenUp: number
  /** At the provider. */
  calls: number
  /** Calls for requests that had been called before. */
  again: number
  /** Attempts whose lease ran out. */
  expired: number
  /** Accepted, and without an outcome. */
  lost: number
  /** Called more often than their history tells. */
  doubled: number
}

/** As in `lua/include/housekeeping.lua`: who was lost so often is called no more. */
const MAX_LOST = 3

interface Run {
  queue: RequestQueue
  queueName: string
  redis: RawRedis
  /** By the queue's clock. */
  now: number
  /** id → the text by which the provider knows it. */
  texts: Map<string, string>
  calls: CallRecord[]
}

/**
 * Accounts for every request of a run in which processes died: one outcome each, no call that its history does not show, and
 * every lease that ran out recorded as one that may have been billed. What is told and what is stored must agree.
 */
export async function settleAccounts(run: Run): Promise<Account> {
  const called = new Map<string, number>()
  for (const { tag } of run.calls) called.set(tag, (called.get(tag) ?? 0) + 1)
  const account: Account = {
    ...{ statuses: [], completed: 0, givenUp: 0, calls: 0, again: 0, expired: 0, lost: 0, doubled: 0 },
  }
  for (const [requestId, text] of run.texts) {
    const status = await run.queue.status(requestId, null)
    if (status === null || !["completed", "failed"].includes(status.state)) {
      account.lost += 1
      continue
    }
    const calls = called.get(text) ?? 0
    const expired = status.attempts.filter(({ result }) => result === "lease_expired")
    checkHistory(status, expired)
    // A lease may run out before its call was made; every other attempt is a call.
    const most = status.attempts.length
    if (calls > most || calls < most - expired.length) account.doubled += 1
    account.statuses.push(status)
    account[status.state === "completed" ? "completed" : "givenUp"] += 1
    account.calls += calls
    account.again += Math.max(0, calls - 1)
    account.expired += expired.length
  }
  const { counts } = await run.queue.stats()
  const { completed, givenUp: failed } = account
  expect(counts).toEqual({ scheduled: 0, pending: 0, processing: 0, completed, failed, cancelled: 0 })
  await expectConserved(run.redis, run.queueName, run.now)
  return account
}

function checkHistory(status: RequestStatus, expired: AttemptRecord[]): void {
  expect(status.attempts.map(({ number }) => number)).toEqual(status.attempts.map((_, i) => i + 1))
  for (const attempt of expired) expect(attempt).toMatchObject({ possiblyBilled: true })
  if (status.state === "completed") return
  expect(status.error).toMatchObject({ code: "lease_expired" })
  expect(expired).toHaveLength(MAX_LOST)
}
