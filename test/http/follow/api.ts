import { createApp } from "../../../src/http/app.ts"
import type { Services } from "../../../src/http/context.ts"
import type { Scene } from "../../drain/scene.ts"
import { checkDocumentedEvent, documented } from "../../helpers/documented.ts"
import { ADMIN_KEY, composeServices } from "../server.ts"

/** A server-sent event as it came. */
export interface ReceivedEvent {
  id: string
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it.
  data: any
}

/** The API over a scene's queue and settings. `changes`: to its services. */
export function openApi(scene: Scene, changes: Partial<Services> = {}) {
  const { config, queue, store } = scene
  const services: Services = { ...composeServices(store, config.queueName), config, queue, ...changes }
  const app = createApp(() => ({ services, problems: [] }))
  const get = async (path: string, headers: Record<string, string> = {}, signal?: AbortSignal) => {
    const answer = await app.request(path, {
      headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers },
      ...(signal && { signal }),
    })
    return documented({ method: "GET", path }, answer)
  }
  return {
    get,
    /** The events of a stream until it ends. */
    events: async function* (requestId: string, lastEventId?: string): AsyncGenerator<ReceivedEvent> {
      const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId }
      const response = await get(`/v1/requests/${requestId}/events`, headers)
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
      yield* readEvents(response)
    },
  }
}

/** Leaving the loop cancels the stream, as a client does that goes away. */
async function* readEvents(response: Response): AsyncGenerator<ReceivedEvent> {
  let rest = ""
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (rest + chunk).split("\n\n")
    rest = blocks.pop() ?? ""
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map((line) => [line.split(": ", 1)[0], line]))
      const fieldOf = (name: string) => fields.get(name)?.slice(name.length + 2) ?? ""
      if (!fields.has("event")) continue
      const received = { id: fieldOf("id"), event: fieldOf("event"), data: JSON.parse(fieldOf("data")) }
      checkDocumentedEvent(received.event, received.data)
      yield received
    }
  }
}
