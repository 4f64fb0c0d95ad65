import type { DeliveryTopic } from "../core/delivery.ts"
import type { RequestError, RequestStatus } from "../core/outcome.ts"
import type { ChatCompletion, Usage } from "../core/request.ts"

/** How a request ended, as an event tells it. */
interface Ending {
  endedAt: number
  attempts: number
  usage: Usage | null
  error: RequestError | null
  /** Absent: it is not told. */
  response?: ChatCompletion | null
}

/**
 * The end that an event is about, also when the request has gone on since, which only a failed one can: by a replay, or by
 * a late answer. Then it is taken from the last attempt that failed.
 */
export function readEnding(status: RequestStatus, topic: DeliveryTopic, now: number): Ending {
  const { state, replays, attempts, usage, error, finishedAt, response, callback } = status
  if (state === topic.state && replays === topic.replays) {
    const told = callback?.includeResponse ? { response } : {}
    return { endedAt: finishedAt ?? now, attempts: attempts.length, usage, error, ...told }
  }
  const failed = attempts.findLast((attempt) => attempt.error !== null)
  return {
    endedAt: failed?.finishedAt ?? now,
    attempts: failed === undefined ? 0 : attempts.indexOf(failed) + 1,
    usage: null,
    error: failed?.error ?? null,
  }
}

/** The body of an event, `{type, timestamp, data}`: what came of the request, never what was asked. */
export function composeBody(
  status: RequestStatus,
  { state, replays }: DeliveryTopic,
  ending: Ending,
): string {
  const { requestId, organizationId, provider, model, priority, metadata, simulated, createdAt } = status
  const { endedAt, ...ended } = ending
  const data = {
    ...{ requestId, state, organizationId, provider, model, priority, metadata, simulated },
    ...{ createdAt, finishedAt: endedAt, replays, ...ended },
  }
  return JSON.stringify({ type: `request.${state}`, timestamp: new Date(endedAt).toISOString(), data })
}
