import { type Caller, type CallOutcome, readAnswer, readFailure, toAIRequest } from "../compose.ts"
import { AppError } from "../core/errors.ts"
import type { Usage } from "../core/request.ts"
import type { AnswerWithUsage, Processor } from "./options.ts"

const ABORTED: CallOutcome = { kind: "aborted", usage: null, possiblyBilled: true }
const TOO_LATE = "The processor did not finish in time."

/** A processor as the drain calls it, in place of the provider of that name. */
export function callerOf(name: string, processor: Processor): Caller {
  return {
    name,
    call: async ({ claimed, model, timeoutMs, signal, maxResultBytes }) => {
      const timeout = new AbortController()
      const timer = setTimeout(() => timeout.abort(new DOMException(TOO_LATE, "TimeoutError")), timeoutMs)
      const either = AbortSignal.any([signal, timeout.signal])
      const { target, lease } = claimed
      const context = { signal: either, attempt: lease.attempt, target }
      try {
        // A processor that does not mind its signal is not waited for.
        const given = await unlessAborted(either, async () => processor(toAIRequest(claimed), context))
        return accept(given, { requestId: lease.requestId, model, maxResultBytes })
      } catch (error) {
        if (signal.aborted) return ABORTED
        return failureOf(timeout.signal.aborted ? timeout.signal.reason : error)
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

function unlessAborted<Result>(signal: AbortSignal, act: () => Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener("abort", abort, { once: true })
    act()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort))
  })
}

/** What cannot be kept as an answer would be paid for again in vain. */
function accept(
  given: Awaited<ReturnType<Processor>>,
  called: Parameters<typeof readAnswer>[1],
): CallOutcome {
  try {
    if (typeof given === "string" || !("response" in given)) return readAnswer(given, called)
    return readAnswer(withUsage(given), called)
  } catch (error) {
    const isTooLarge = error instanceof AppError && error.code === "too_large"
    const code = isTooLarge ? "result_too_large" : "provider_invalid_response"
    const message = error instanceof AppError ? error.message : "The processor returned no answer."
    return readFailure({ code, message, retryable: false })
  }
}

function withUsage({ response, usage }: AnswerWithUsage) {
  const choices =
    typeof response === "string"
      ? [{ message: { content: response }, finish_reason: "stop" }]
      : response.choices
  return { ...(typeof response === "string" ? {} : response), choices, usage: wireUsage(usage) }
}

function wireUsage(usage: Partial<Usage>) {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage.cachedInputTokens,
      cache_write_tokens: usage.cacheWriteInputTokens,
    },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  }
}

/** Whatever was thrown. */
function failureOf(error: unknown): CallOutcome {
  const isTold = error instanceof Error || typeof error === "string" || isObject(error)
  try {
    return readFailure(isTold ? error : "")
  } catch {
    return readFailure("")
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null
}
