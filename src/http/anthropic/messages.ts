import { AppError } from "../../core/errors.ts"
import { toMessage } from "../../dialects/anthropic-answer.ts"
import { errorOf, explainContradiction, explainEnd } from "../../dialects/anthropic-errors.ts"
import { readMessagesBody } from "../../dialects/anthropic-messages.ts"
import { type MessageEvent, MessageEvents, PING } from "../../dialects/anthropic-stream.ts"
import { answerInTurn, type Teller } from "../answer-in-turn.ts"
import { accept } from "../compatible.ts"
import type { App, AppContext } from "../context.ts"
import type { EnqueuedRequest } from "../enqueue.ts"
import { writeEvent } from "../events.ts"
import { resource } from "../resource.ts"

/** Anthropic's messages, answered in the queue's order. */
export function mountMessages(app: App): void {
  resource(app, "/v1/messages", { POST: { scope: "enqueue", handle: postMessage } })
  resource(app, "/v1/messages/count_tokens", { POST: { scope: "any", handle: refuseToCount } })
}

async function postMessage(c: AppContext): Promise<Response> {
  const { request, read } = await accept(c, readMessagesBody)
  // Under this name Anthropic's SDK looks for it.
  c.header("Request-Id", request.requestId)
  return answerInTurn(c, request, read.stream, tellEvents(request))
}

/** Only the provider could count as it bills; a guess would be taken for that. */
function refuseToCount(): never {
  throw new AppError(
    "not_supported",
    "Tokens are not counted here: ask the provider itself, or read the usage of an answer.",
  )
}

function tellEvents({ requestId, model }: EnqueuedRequest): Teller {
  const events = new MessageEvents(requestId, model)
  const write = (told: MessageEvent[]) => told.map((event) => writeEvent(event, event.type)).join("")
  return {
    whole: toMessage,
    text: (more) => write(events.text(more)),
    end: (status, rest) => {
      const message = toMessage(status)
      return message === null ? null : write(events.end(message, rest))
    },
    keepAlive: write([PING]),
    explainEnd,
    explainContradiction: () => explainContradiction(requestId),
    writeEnd: (body) => writeEvent(body instanceof AppError ? explain(body, requestId) : body, "error"),
  }
}

/** An error of this service in the middle of a stream, where there is no status. */
function explain({ message }: AppError, requestId: string): object {
  return errorOf(500, "api_error", message, requestId).body
}
