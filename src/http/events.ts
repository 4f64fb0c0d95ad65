import type { AppContext } from "./context.ts"
import type { Caller } from "./disconnect.ts"
import { KEEP_ALIVE_MS, within } from "./follow/within.ts"

/** A comment: readers of events skip it. */
export const KEEP_ALIVE = ": waiting\n\n"

const encoder = new TextEncoder()

/** One event; `data` as JSON. */
export function writeEvent(data: unknown, name?: string): string {
  return `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`
}

/**
 * Sends events as they come, and `keepAlive` between them. The first is waited for as long as until that is due: what
 * is thrown before can be an HTTP error. `explain`: what is thrown later, as the last event.
 */
export async function answerEvents(
  c: AppContext,
  events: AsyncGenerator<string, void, void>,
  { caller, explain, keepAlive }: { caller: Caller; explain: (thrown: unknown) => string; keepAlive: string },
): Promise<Response> {
  const advance = () => {
    const coming = events.next()
    // Nobody looks at it any more when the caller has left.
    coming.catch(() => undefined)
    return coming
  }
  let next = advance()
  let first = await within(next, KEEP_ALIVE_MS)
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (first === null) controller.enqueue(encoder.encode(keepAlive))
      },
      async pull(controller) {
        try {
          const result = first ?? (await within(next, KEEP_ALIVE_MS))
          first = null
          if (result === null) return controller.enqueue(encoder.encode(keepAlive))
          if (!result.done) {
            controller.enqueue(encoder.encode(result.value))
            next = advance()
            return
          }
        } catch (thrown) {
          controller.enqueue(encoder.encode(explain(thrown)))
        }
        caller.release()
        controller.close()
      },
      cancel: () => caller.leave(),
    },
    // Nothing is looked for that nobody reads.
    { highWaterMark: 0 },
  )
  c.header("Content-Type", "text/event-stream; charset=utf-8")
  // nginx and its kin would gather the events.
  c.header("X-Accel-Buffering", "no")
  return c.body(body)
}
