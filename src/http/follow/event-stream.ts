import { AppError } from "../../core/errors.ts"
import type { Log } from "../../core/log.ts"
import { writeEventId } from "./event-id.ts"
import type { RequestEvent, Seen } from "./follow-request.ts"
import { bytesOf, endingAttempt } from "./text.ts"
import { KEEP_ALIVE_MS, within } from "./within.ts"

/** How soon a client comes back whose stream ended too early. */
const RETRY_MS = 1000
const encoder = new TextEncoder()

/**
 * The events as server-sent events, each asked for when the one before has been read. `gone` is aborted when the reader
 * has left. An error ends the stream as its time would: the client comes back, and is told what is wrong.
 */
export function streamEvents(
  events: AsyncIterator<RequestEvent, void>,
  { seen, gone, log }: { seen: Seen; gone: AbortController; log: Log },
): ReadableStream<Uint8Array> {
  let next: Promise<IteratorResult<RequestEvent, void>> | null = null
  let last = seen
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`)),
      pull: async (controller) => {
        try {
          next ??= events.next()
          const result = await within(next, KEEP_ALIVE_MS)
          if (gone.signal.aborted) return
          if (result === null) return controller.enqueue(encoder.encode(":\n\n"))
          next = null
          if (result.done === true) return controller.close()
          last = seenWith(last, result.value)
          controller.enqueue(encoder.encode(writeEvent(result.value, last)))
        } catch (error) {
          if (gone.signal.aborted) return
          log.warn("events_broke_off", { code: error instanceof AppError ? error.code : "internal" })
          controller.close()
        }
      },
      cancel: () => gone.abort(),
    },
    // Nothing is looked for that nobody reads.
    { highWaterMark: 0 },
  )
}

function seenWith(seen: Seen, event: RequestEvent): Seen {
  switch (event.kind) {
    case "text":
      return { ...seen, attempt: event.attempt, offset: event.offset + bytesOf(event.text) }
    case "status": {
      const { attempt, status } = event
      return { attempt, offset: attempt === seen.attempt ? seen.offset : 0, state: status.state }
    }
    case "finished":
      return { ...seen, attempt: endingAttempt(event.status), state: event.status.state }
  }
}

function writeEvent(event: RequestEvent, seen: Seen): string {
  const data = JSON.stringify(dataOf(event))
  return `id: ${writeEventId(seen)}\nevent: ${event.kind}\ndata: ${data}\n\n`
}

function dataOf(event: RequestEvent): object {
  if (event.kind === "finished") return event.status
  if (event.kind === "text") return { attempt: event.attempt, offset: event.offset, text: event.text }
  const { requestId, state, position, estimatedStartAt, scheduledAt, startedAt, error } = event.status
  const { attempt } = event
  return { requestId, state, position, estimatedStartAt, scheduledAt, startedAt, attempt, error }
}
