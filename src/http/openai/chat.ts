import { readChatBody, toChatCompletion } from "../../dialects/openai-chat.ts"
import { ChunkWriter } from "../../dialects/openai-chunks.ts"
import { explainContradiction } from "../../dialects/openai-errors.ts"
import { accept, answersAsync, waitUntil } from "../compatible.ts"
import type { App, AppContext } from "../context.ts"
import { type Caller, watchCaller } from "../disconnect.ts"
import type { EnqueuedRequest } from "../enqueue.ts"
import { answerEvents, writeEvent } from "../events.ts"
import { AnswerText } from "../follow/answer-text.ts"
import { awaitRequest } from "../follow/await-request.ts"
import { followRequest } from "../follow/follow-request.ts"
import { answerAccepted } from "../requests.ts"
import { resource } from "../resource.ts"
import { answerEnd, NoAnswer, noAnswer, writeEnd } from "./ends.ts"

/** OpenAI's chat completions, answered in the queue's order. */
export function mountChat(app: App): void {
  resource(app, "/v1/chat/completions", { POST: { scope: "enqueue", handle: postChat } })
}

async function postChat(c: AppContext): Promise<Response> {
  const { request, read } = await accept(c, readChatBody)
  if (answersAsync(c)) return answerAccepted(c, request)
  const caller = watchCaller(c, request.requestId)
  try {
    if (!read.stream) return c.json(await complete(c, request, caller))
    const events = writeChunks(c, request, caller, read.includeUsage)
    return await answerEvents(c, events, { caller, explain: writeEnd })
  } catch (thrown) {
    caller.release()
    if (thrown instanceof NoAnswer) return answerEnd(c, thrown)
    throw thrown
  }
}

async function complete(c: AppContext, { requestId }: EnqueuedRequest, caller: Caller): Promise<object> {
  const status = await awaitRequest(c, requestId, { untilAt: waitUntil(c), signal: caller.signal })
  caller.release()
  const completion = toChatCompletion(status)
  if (completion === null) throw noAnswer(status)
  return completion
}

/** The text as it comes; tool calls, the ends and the usage from the whole answer. */
async function* writeChunks(
  c: AppContext,
  request: EnqueuedRequest,
  caller: Caller,
  includeUsage: boolean,
): AsyncGenerator<string, void, void> {
  const { requestId } = request
  const writer = new ChunkWriter(request, includeUsage)
  const answer = new AnswerText()
  const write = (chunks: object[]) => chunks.map((chunk) => writeEvent(chunk)).join("")
  for await (const event of followRequest(c, requestId, { untilAt: waitUntil(c), signal: caller.signal })) {
    if (event.kind === "text") {
      const more = answer.take(event)
      if (more === null) throw contradiction(caller)
      if (more !== "") yield write(writer.text(more))
    } else if (event.kind === "finished") {
      const { response } = event.status
      const rest = answer.rest(response?.choices[0]?.message.content ?? "")
      if (event.status.state !== "completed" || response === null) throw noAnswer(event.status)
      if (rest === null) throw contradiction(caller)
      yield write(writer.end(response, rest))
      return yield "data: [DONE]\n\n"
    }
  }
  throw noAnswer({ requestId, state: "processing", error: null })
}

/** What comes can not be what was begun, so it need not come. */
function contradiction(caller: Caller): NoAnswer {
  caller.leave()
  return new NoAnswer(explainContradiction())
}
