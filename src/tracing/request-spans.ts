import type { RequestHead } from "../core/request.ts"
import { parentIdOf, spanId, type Trace, traceIdOf } from "../core/trace.ts"
import type { CallEvent, EndEvent, StoredEvent } from "../core/tracing.ts"
import type { Attributes, Span } from "./otlp.ts"

// What is told of a request: ids, names, codes, counts and times. Never messages, options, metadata, answers or URLs.

/** The call that stored it. Its parent is the caller's span. */
export function storedSpan({ head, line, trace, caller, startedAt, endedAt }: StoredEvent): Span {
  return {
    ...{ traceId: traceIdOf(trace) ?? "", spanId: spanId(head.requestId, "stored") },
    parentSpanId: caller === "" ? null : parentIdOf(caller),
    ...{ name: "stored", kind: "producer", startedAt, endedAt, isError: false },
    attributes: {
      ...attributesOf(head, line),
      "aiq.scheduled_at": head.scheduledAt,
      "aiq.batch_id": head.batchId,
    },
  }
}

/** From when it was due to its claim, and then the call of the provider. */
export function callSpans(event: CallEvent, serverAddress: string | undefined): Span[] {
  const { head, line, trace, attempt, dueAt, claimedAt } = event
  const { requestId } = head
  const attributes = { ...attributesOf(head, line), "aiq.attempt": attempt.number }
  return [
    {
      ...under(trace, spanId(requestId, `wait ${attempt.number}`)),
      ...{ name: "waited", kind: "internal", isError: false },
      ...{ startedAt: dueAt, endedAt: claimedAt, attributes },
    },
    {
      ...under(trace, spanId(requestId, `call ${attempt.number}`)),
      ...{ name: `chat ${attempt.model}`, kind: "client", isError: attempt.error !== null },
      ...{ startedAt: attempt.startedAt, endedAt: attempt.finishedAt },
      attributes: { ...genAiAttributes(event), ...attributes, "server.address": serverAddress },
    },
  ]
}

/** Recording what it finally came to. */
export function endSpan(event: EndEvent): Span {
  const { requestId, organizationId, trace, state, code, attempt, startedAt, endedAt } = event
  return {
    ...under(trace, spanId(requestId, `end ${attempt}`)),
    ...{ name: "settled", kind: "internal", startedAt, endedAt, isError: state === "failed" },
    attributes: {
      ...{ "aiq.request_id": requestId, "aiq.organization_id": organizationId },
      ...{ "aiq.attempt": attempt || null, "aiq.state": state, "error.type": code },
    },
  }
}

function under(trace: Trace, id: string): Pick<Span, "traceId" | "spanId" | "parentSpanId"> {
  return { traceId: traceIdOf(trace) ?? "", spanId: id, parentSpanId: parentIdOf(trace) }
}

function attributesOf(head: RequestHead, line: string): Attributes {
  return {
    "aiq.request_id": head.requestId,
    "aiq.organization_id": head.organizationId,
    "aiq.priority": head.priority,
    "aiq.line": line,
  }
}

/** OpenTelemetry's conventions for generative AI, as of v0.1 of their own repository. */
function genAiAttributes({ attempt, result: { response, usage } }: CallEvent): Attributes {
  const { provider, model, error, status, result, possiblyBilled } = attempt
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": provider,
    "gen_ai.request.model": model,
    "gen_ai.response.model": response?.model,
    "gen_ai.response.id": response?.id,
    "gen_ai.response.finish_reasons": response?.choices.map(({ finish_reason }) => finish_reason),
    "gen_ai.usage.input_tokens": usage?.inputTokens,
    "gen_ai.usage.output_tokens": usage?.outputTokens,
    "gen_ai.usage.cache_read.input_tokens": usage?.cachedInputTokens || null,
    "gen_ai.usage.cache_write.input_tokens": usage?.cacheWriteInputTokens || null,
    "gen_ai.usage.reasoning.output_tokens": usage?.reasoningTokens || null,
    "http.response.status_code": status,
    "error.type": error?.code,
    "aiq.result": result,
    "aiq.provider_request_id": attempt.providerRequestId,
    "aiq.possibly_billed": possiblyBilled ? 1 : null,
  }
}
