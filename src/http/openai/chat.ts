import { readChatBody, toChatCompletion } from "../../dialects/openai-chat.ts"
import { ChunkWriter } from "../../dialects/openai-chunks.ts"
import { explainContradiction, explainEnd } from "../../dialects/openai-errors.ts"
import { answerInTurn, type Teller } from "../answer-in-turn.ts"
import { accept } from "../compatible.ts"
import type { App, AppContext } from "../context.ts"
import { KEEP_ALIVE, writeEvent } from "../events.ts"
import { resource } from "../resource.ts"
import { writeEnd } from "./ends.ts"

/** OpenAI's chat completions, answered in the queue's order. */
export function mountChat(app: App): void {
  resource(app, "/v1/chat/completions", { POST: { scope: "enqueue", handle: postChat } })
}

async function postChat(c: AppContext): Promise<Response> {
  const { request, read } = await accept(c, readChatBody)
  const teller = tellChunks(new ChunkWriter(request, read.includeUsage))
  return answerInTurn(c, request, read.stream, teller)
}

function tellChunks(writer: ChunkWriter): Teller {
  const write = (chunks: object[]) => chunks.map((chunk) => writeEvent(chunk)).join("")
  return {
    whole: toChatCompletion,
    text: (more) => write(writer.text(more)),
    end: ({ response }, rest) =>
      response === null ? null : `${write(writer.end(response, rest))}data: [DONE]\n\n`,
    keepAlive: KEEP_ALIVE,
    ...{ explainEnd, explainContradiction, writeEnd },
  }
}
