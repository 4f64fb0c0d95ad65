import { AppError } from "../../core/errors.ts"
import type { RequestStatus } from "../../core/outcome.ts"
import { explainEnd } from "../../dialects/openai-errors.ts"
import { toRequestId, toResponse } from "../../dialects/openai-response-output.ts"
import { type ResponseRead, readResponseBody } from "../../dialects/openai-responses.ts"
import { answerWhole } from "../answer-in-turn.ts"
import { accept, answersAsync } from "../compatible.ts"
import type { App, AppContext } from "../context.ts"
import { watchCaller } from "../disconnect.ts"
import type { EnqueuedRequest } from "../enqueue.ts"
import { readStatus } from "../read-status.ts"
import { cancelRequest } from "../requests.ts"
import { resource } from "../resource.ts"

/** OpenAI's Responses for text and function calls: waited for, or in the background. */
export function mountResponses(app: App): void {
  resource(app, "/v1/responses", { POST: { scope: "enqueue", handle: postResponse } })
  resource(app, "/v1/responses/:responseId", { GET: { scope: "read", handle: getResponse } })
  resource(app, "/v1/responses/:responseId/cancel", { POST: { scope: "cancel", handle: cancelResponse } })
}

async function postResponse(c: AppContext): Promise<Response> {
  const { request, read } = await accept(c, readResponseBody)
  if (read.background && !answersAsync(c)) {
    watchCaller(c, request.requestId).release()
    return c.json({ ...toResponse(justStored(request, read)), background: true })
  }
  const whole = (status: RequestStatus) => (status.state === "completed" ? toResponse(status) : null)
  return answerWhole(c, request, { whole, explainEnd })
}

function justStored({ requestId, state, createdAt }: EnqueuedRequest, { requests }: ResponseRead) {
  const [request] = requests ?? []
  if (request === undefined) throw new AppError("internal", "Nothing was stored.")
  const nothingYet = { finishedAt: null, response: null, usage: null, error: null }
  return { ...request.head, requestId, state, createdAt, ...nothingYet }
}

async function getResponse(c: AppContext): Promise<Response> {
  if (c.req.query("stream") === "true") {
    throw new AppError(
      "not_supported",
      "A response cannot be streamed here: ask for it until it is finished.",
    )
  }
  return c.json(toResponse(await readStatus(c, requestIdOf(c))))
}

/** As theirs, it answers what is there when it was finished before. Two round trips. */
async function cancelResponse(c: AppContext): Promise<Response> {
  const requestId = requestIdOf(c)
  await cancelRequest(c, requestId, "keep").catch((error: unknown) => {
    if (!(error instanceof AppError && error.code === "conflict")) throw error
  })
  return c.json(toResponse(await readStatus(c, requestId)))
}

function requestIdOf(c: AppContext): string {
  return toRequestId(c.req.param("responseId") ?? "")
}
