import { isFinished } from "../core/outcome.ts"
import type { App, AppContext } from "./context.ts"
import { readEventId } from "./follow/event-id.ts"
import { streamEvents } from "./follow/event-stream.ts"
import { followRequest } from "./follow/follow-request.ts"
import { looksWithin } from "./follow/pace.ts"
import { readStatus } from "./read-status.ts"
import { resource, servicesOf } from "./resource.ts"

/** How long a stream lives; a client comes back by itself. */
const LIFE_MS = 300_000
/** Less where an invocation has few subrequests: each look then comes about that soon after the last. */
const MS_PER_LOOK = 750

export function mountEvents(app: App): void {
  resource(app, "/v1/requests/:requestId/events", { GET: { scope: "read", handle: getEvents } })
}

/** What becomes of a request, as it happens: see `docs/waiting.md`. */
async function getEvents(c: AppContext): Promise<Response> {
  const { clock, config, log } = servicesOf(c)
  const seen = readEventId(c.req.header("Last-Event-ID"))
  // All has been told: this answer keeps an EventSource from coming back again.
  if (seen !== null && isFinished(seen.state)) return c.body(null, 204)
  const known = await readStatus(c, c.req.param("requestId"))
  const gone = new AbortController()
  const events = followRequest(c, known.requestId, {
    untilAt: clock() + Math.min(LIFE_MS, looksWithin(config.subrequestLimit) * MS_PER_LOOK),
    signal: AbortSignal.any([gone.signal, c.req.raw.signal]),
    known,
    positions: true,
    ...(seen && { seen }),
  })
  const from = seen ?? { attempt: 0, offset: 0, state: known.state }
  const stream = streamEvents(events, { seen: from, gone, log })
  return c.body(stream, 200, { "Content-Type": "text/event-stream" })
}
