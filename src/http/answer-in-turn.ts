import type { ContentfulStatusCode } from "hono/utils/http-status"
import { AppError } from "../core/errors.ts"
import type { RequestStatus } from "../core/outcome.ts"
import { answersAsync, waitUntil } from "./compatible.ts"
import type { AppContext } from "./context.ts"
import { type Caller, watchCaller } from "./disconnect.ts"
import type { EnqueuedRequest } from "./enqueue.ts"
import { answerEvents } from "./events.ts"
import { AnswerText } from "./follow/answer-text.ts"
import { awaitRequest } from "./follow/await-request.ts"
import { followRequest } from "./follow/follow-request.ts"
import { answerAccepted } from "./requests.ts"

/** What is said of a request without an answer. */
interface VendorEnd {
  status: number
  body: object
}

/** How one answer is told in a vendor's dialect. */
export interface WholeTeller {
  /** The whole answer; null: the request has none. */
  whole(status: RequestStatus): object | null
  /** Of a request that failed, was cancelled, or takes longer than anyone waits. */
  explainEnd(request: Ending): VendorEnd
}

/** The same for an answer that may be told as it comes; an object per answer. */
export interface Teller extends WholeTeller {
  /** As a stream: more of the text, which is never empty. */
  text(more: string): string
  /** All that is left of the answer; `rest`: of its text. null: the request has no answer. */
  end(status: RequestStatus, rest: string): string | null
  /** Sent while there is nothing to tell. */
  keepAlive: string
  /** Its text was passed on while it came; then the attempt broke off, and the next one answered something else. */
  explainContradiction(): VendorEnd
  /** As the last event of a stream: the body of an end, or an error of this service. */
  writeEnd(body: object | AppError): string
}

type Ending = Pick<RequestStatus, "requestId" | "state" | "error">

/** What answers without an answer. */
class NoAnswer extends Error {
  override readonly name = "NoAnswer"
  readonly end: VendorEnd

  constructor(end: VendorEnd) {
    super("There is no answer.")
    this.end = end
  }
}

/** Answers a stored request in the queue's order: at once with its id, whole, or as a stream. */
export function answerInTurn(
  c: AppContext,
  request: EnqueuedRequest,
  isStream: boolean,
  teller: Teller,
): Promise<Response> {
  if (!isStream) return answerWhole(c, request, teller)
  return answering(c, request, (caller) => {
    const events = tellAsItComes(c, request, caller, teller)
    const explain = (thrown: unknown) => {
      if (!(thrown instanceof NoAnswer)) caller.leave()
      return teller.writeEnd(endOf(thrown))
    }
    return answerEvents(c, events, { caller, explain, keepAlive: teller.keepAlive })
  })
}

/** The same where nothing is streamed. */
export function answerWhole(c: AppContext, request: EnqueuedRequest, teller: WholeTeller): Promise<Response> {
  return answering(c, request, async (caller) => c.json(await tellWhole(c, request, caller, teller)))
}

async function answering(
  c: AppContext,
  request: EnqueuedRequest,
  answer: (caller: Caller) => Promise<Response>,
): Promise<Response> {
  const caller = watchCaller(c, request.requestId)
  if (answersAsync(c)) {
    caller.release()
    return answerAccepted(c, request)
  }
  try {
    return await answer(caller)
  } catch (thrown) {
    if (!(thrown instanceof NoAnswer)) {
      caller.leave()
      // What is stored may not be reached by the cancel, and would be paid for beside a second one.
      if (c.req.header("Idempotency-Key") === undefined) c.header("X-Should-Retry", "false")
      throw thrown
    }
    // The queue has tried again as often as makes sense.
    c.header("X-Should-Retry", "false")
    caller.release()
    // Vendors answer with statuses that Hono's types do not know.
    return c.json(thrown.end.body, thrown.end.status as ContentfulStatusCode)
  }
}

/** What nobody threw on purpose is told without its text. */
function endOf(thrown: unknown): object | AppError {
  if (thrown instanceof NoAnswer) return thrown.end.body
  return thrown instanceof AppError ? thrown : new AppError("internal", "Something went wrong here.")
}

async function tellWhole(
  c: AppContext,
  { requestId }: EnqueuedRequest,
  caller: Caller,
  teller: WholeTeller,
): Promise<object> {
  const status = await awaitRequest(c, requestId, { untilAt: waitUntil(c), signal: caller.signal })
  const answer = teller.whole(status)
  if (answer === null) throw new NoAnswer(teller.explainEnd(status))
  caller.release()
  return answer
}

/** The text as it comes; all else from the whole answer. */
async function* tellAsItComes(
  c: AppContext,
  { requestId }: EnqueuedRequest,
  caller: Caller,
  teller: Teller,
): AsyncGenerator<string, void, void> {
  const text = new AnswerText()
  const contradiction = () => {
    // What comes can not be what was begun, so it need not come.
    caller.leave()
    return new NoAnswer(teller.explainContradiction())
  }
  for await (const event of followRequest(c, requestId, { untilAt: waitUntil(c), signal: caller.signal })) {
    if (event.kind === "text") {
      const more = text.take(event)
      if (more === null) throw contradiction()
      if (more !== "") yield teller.text(more)
    } else if (event.kind === "finished") {
      const { status } = event
      const rest = text.rest(status.response?.choices[0]?.message.content ?? "")
      const end = status.state === "completed" ? teller.end(status, rest ?? "") : null
      if (end === null) throw new NoAnswer(teller.explainEnd(status))
      if (rest === null) throw contradiction()
      return yield end
    }
  }
  throw new NoAnswer(teller.explainEnd({ requestId, state: "processing", error: null }))
}
