import type { DeliveryTopic } from "../core/delivery.ts"
import type { RequestStatus } from "../core/outcome.ts"

/**
 * The body of an event, `{type, timestamp, data}`. Without `response` it is small: what came of the request, never what
 * was asked. It tells the end that it is about, also when the request has gone on since: a replay, or a late answer.
 */
export function composeBody(status: RequestStatus, topic: DeliveryTopic, endedAt: number): string {
  const isCurrent = isStill(status, topic)
  const { requestId, organizationId, provider, model, priority, metadata, simulated, createdAt } = status
  const last = status.attempts.at(-1)
  const data = {
    ...{ requestId, state: topic.state, organizationId, provider, model, priority, metadata, simulated },
    ...{ createdAt, finishedAt: endedAt, attempts: status.attempts.length, replays: topic.replays },
    usage: isCurrent ? status.usage : null,
    error: isCurrent ? status.error : (last?.error ?? null),
    ...(isCurrent && status.callback?.includeResponse ? { response: status.response } : {}),
  }
  return JSON.stringify({
    type: `request.${topic.state}`,
    timestamp: new Date(endedAt).toISOString(),
    data,
  })
}

/** Whether the request is where the event says. */
export function isStill({ state, replays }: RequestStatus, topic: DeliveryTopic): boolean {
  return state === topic.state && replays === topic.replays
}
