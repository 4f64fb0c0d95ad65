import { isFinished } from "../../core/outcome.ts"
import { sleep } from "../../core/sleep.ts"
import type { StatusOptions, StatusReply } from "../../queue/contract.ts"
import type { AppContext } from "../context.ts"
import { readStatus } from "../read-status.ts"
import { servicesOf } from "../resource.ts"
import { looksWithin, nextPauseMs } from "./pace.ts"

export interface AwaitOptions extends StatusOptions {
  /** When to give what is known by then, epoch ms. */
  untilAt: number
  /** Ends the waiting early, with what was known last. */
  signal?: AbortSignal | undefined
}

/**
 * Waits until the request is finished, `untilAt` or the signal, and gives its status. Throws `not_found` when it is unknown,
 * past its TTL, or another organization's. Reads the status before and after; between them a look is one command.
 */
export async function awaitRequest(
  c: AppContext,
  requestId: string | undefined,
  { untilAt, signal, ...options }: AwaitOptions,
): Promise<StatusReply> {
  const { queue, clock, config } = servicesOf(c)
  let status = await readStatus(c, requestId, options)
  let startedAt = status.state === "processing" ? status.startedAt : null
  const sinceAt = clock()
  if (sinceAt >= untilAt) return status
  for (let looksLeft = looksWithin(config.subrequestLimit); ; looksLeft--) {
    if (isFinished(status.state)) return status
    await sleep(
      nextPauseMs({ startedAt, sinceAt, status, isSparing: queue.isSparing() }, clock(), untilAt, looksLeft),
      signal,
    )
    if (signal?.aborted) return status
    if (clock() >= untilAt || looksLeft === 0) return readStatus(c, requestId, options)
    const glance = await queue.glance(status.requestId)
    // Back in its line, or due later, it waits for something else than before.
    const isBack = glance?.startedAt === null && startedAt !== null
    if (glance === null || isBack) status = await readStatus(c, requestId, options)
    startedAt = glance?.startedAt ?? null
  }
}
