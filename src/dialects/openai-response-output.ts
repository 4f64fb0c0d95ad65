import type { ErrorCode, RequestError, RequestStatus } from "../core/outcome.ts"
import type { ChatChoice, RequestState, Usage } from "../core/request.ts"

/** What a response shows of a request. */
export type ShownRequest = Pick<RequestStatus, "requestId" | "state" | "model" | "metadata" | "createdAt"> &
  Pick<RequestStatus, "finishedAt" | "response" | "usage" | "error" | "simulated">

const STATUSES: Record<RequestState, string> = {
  scheduled: "queued",
  pending: "queued",
  processing: "in_progress",
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
}
/** The codes that their SDK's types know. */
const CODES: Partial<Record<ErrorCode, string>> = {
  provider_rejected: "invalid_prompt",
  provider_rate_limited: "rate_limit_exceeded",
  provider_quota: "rate_limit_exceeded",
}
const INCOMPLETE: Partial<Record<ChatChoice["finish_reason"], string>> = {
  length: "max_output_tokens",
  content_filter: "content_filter",
}

/**
 * A request as OpenAI's Responses API shows it. What was asked for is not kept with an answer, so its members here have
 * the values that mean nothing was set.
 */
export function toResponse(request: ShownRequest): object {
  const { requestId, state, createdAt, finishedAt, metadata, usage, error, simulated } = request
  const response = state === "completed" ? request.response : null
  const [choice] = response?.choices ?? []
  const reason = choice === undefined ? undefined : INCOMPLETE[choice.finish_reason]
  return {
    id: toResponseId(requestId),
    object: "response",
    created_at: Math.floor(createdAt / 1000),
    completed_at: state === "completed" && finishedAt !== null ? Math.floor(finishedAt / 1000) : null,
    status: reason === undefined ? STATUSES[state] : "incomplete",
    incomplete_details: reason === undefined ? null : { reason },
    error: state === "failed" && error !== null ? toResponseError(error) : null,
    model: response?.model ?? request.model,
    output: choice === undefined ? [] : toOutput(requestId, choice, reason !== undefined),
    usage: usage === null ? null : toUsage(usage),
    metadata,
    ...{ instructions: null, max_output_tokens: null, temperature: null, top_p: null, reasoning: null },
    ...{ parallel_tool_calls: true, tool_choice: "auto", tools: [], text: { format: { type: "text" } } },
    ...{ previous_response_id: null, truncation: "disabled" },
    ...(simulated ? { simulated } : {}),
  }
}

function toOutput(requestId: string, { message }: ChatChoice, isIncomplete: boolean): object[] {
  const { content, refusal, tool_calls = [] } = message
  const parts = [
    ...(content ? [{ type: "output_text", text: content, annotations: [], logprobs: [] }] : []),
    ...(refusal ? [{ type: "refusal", refusal }] : []),
  ]
  const rest = restOf(requestId)
  const status = isIncomplete ? "incomplete" : "completed"
  const said = { type: "message", id: `msg_${rest}`, status, role: "assistant", content: parts }
  const calls = tool_calls.map(({ id, function: { name, arguments: given } }, i) => ({
    ...{ type: "function_call", id: `fc_${rest}_${i}`, call_id: id, name, arguments: given, status },
  }))
  return parts.length > 0 || calls.length === 0 ? [said, ...calls] : calls
}

function toResponseError({ code, message }: RequestError): object {
  return { code: CODES[code] ?? "server_error", message }
}

function toUsage(usage: Usage): object {
  const { inputTokens, cachedInputTokens, cacheWriteInputTokens, outputTokens, reasoningTokens } = usage
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedInputTokens, cache_write_tokens: cacheWriteInputTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: inputTokens + outputTokens,
  }
}

function toResponseId(requestId: string): string {
  return `resp_${restOf(requestId)}`
}

/** The request behind a response's id. What is none leads to none. */
export function toRequestId(responseId: string): string {
  return responseId.replace(/^resp_/, "req_")
}

function restOf(requestId: string): string {
  return requestId.slice("req_".length)
}
