import type { Operation, Routes } from "../operation.ts"
import { Accepted } from "../requests-answers.ts"
import { Model, Models, OpenAiChat, OpenAiResponse } from "../vendor-answers.ts"
import { ChatBody, ResponseBody } from "../vendor-bodies.ts"

const json = "application/json"

/** Of routes that wait for an answer: what became of the request is told with the vendors' statuses. */
export const waiting = {
  scope: "enqueue",
  parameters: [
    "IdempotencyKey",
    "Traceparent",
    "PreferAsync",
    "Organization",
    "QueuePriority",
    "QueueTimeout",
    "QueueRequestId",
  ],
  refusals: [404, 409, 413, 422, 500, 502, 504],
} satisfies Partial<Operation>

export const later: Operation["answers"][number] = {
  description: "It is stored (`Prefer: respond-async`): `GET /v1/requests/{requestId}` tells its answer.",
  content: { [json]: Accepted },
  headers: ["Idempotency-Replayed"],
  always: ["Location", "Preference-Applied", "X-Queue-Request-Id"],
}

const ask = { model: "gpt-5-mini", messages: [{ role: "user", content: "Say hello." }] }
const answered: Operation["answers"][number] = {
  description: "The answer.",
  headers: ["Idempotency-Replayed"],
  always: ["X-Queue-Request-Id"],
}
const tag = "OpenAI: chat, responses, models"

export const openaiRoutes: Routes = {
  "/v1/chat/completions": {
    post: {
      ...waiting,
      operationId: "createChatCompletion",
      summary: "Answers in the queue's order",
      description:
        "As OpenAI's, for models of any provider. A caller that disconnects cancels its request, unless it gave an `Idempotency-Key`.",
      tag,
      words: "openai",
      body: {
        schema: ChatBody,
        examples: {
          plain: { summary: "A question", value: ask },
          other: {
            summary: "To another vendor, with what goes through to it",
            value: {
              ...ask,
              model: "anthropic/claude-sonnet-4-5",
              temperature: 0.2,
              max_completion_tokens: 500,
            },
          },
          streamed: {
            summary: "Streamed",
            value: { ...ask, stream: true, stream_options: { include_usage: true } },
          },
        },
      },
      answers: {
        200: {
          ...answered,
          content: { [json]: OpenAiChat, "text/event-stream": "text" },
          headers: ["Idempotency-Replayed", "X-Accel-Buffering"],
        },
        202: later,
      },
    },
  },
  "/v1/responses": {
    post: {
      ...waiting,
      operationId: "createResponse",
      summary: "Answers in the queue's order, or in the background",
      tag,
      words: "openai",
      body: {
        schema: ResponseBody,
        examples: {
          plain: { summary: "Waited for", value: { model: "gpt-5-mini", input: "Say hello." } },
          background: {
            summary: "In the background",
            value: { model: "deepseek/deepseek-chat", input: "Say hello.", background: true },
          },
        },
      },
      answers: { 200: { ...answered, content: { [json]: OpenAiResponse } }, 202: later },
    },
  },
  "/v1/responses/{responseId}": {
    get: {
      operationId: "getResponse",
      summary: "Tells a response",
      tag,
      words: "openai",
      scope: "read",
      answers: { 200: { description: "As it is now.", content: { [json]: OpenAiResponse } } },
      refusals: [400, 404],
    },
  },
  "/v1/responses/{responseId}/cancel": {
    post: {
      operationId: "cancelResponse",
      summary: "Cancels a response",
      tag,
      words: "openai",
      scope: "cancel",
      answers: { 200: { description: "As it is now.", content: { [json]: OpenAiResponse } } },
      refusals: [404],
    },
  },
  "/v1/models": {
    get: {
      operationId: "listModels",
      summary: "Lists the names that this deployment gives to models",
      description: "In Anthropic's shape for callers that send `anthropic-version`.",
      tag,
      words: "models",
      scope: "any",
      answers: { 200: { description: "All of them.", content: { [json]: Models } } },
    },
  },
  "/v1/models/{model}": {
    get: {
      operationId: "getModel",
      summary: "Tells one of these names",
      tag,
      words: "models",
      scope: "any",
      answers: { 200: { description: "The model.", content: { [json]: Model } } },
      refusals: [404],
    },
  },
}
