import type { Routes } from "../operation.ts"
import { AnthropicMessage } from "../vendor-answers.ts"
import { CountBody, MessagesBody } from "../vendor-bodies.ts"
import { later, waiting } from "./openai.ts"

const json = "application/json"
const tag = "Anthropic"
const ask = {
  model: "claude-sonnet-4-5",
  max_tokens: 500,
  messages: [{ role: "user", content: "Say hello." }],
}

export const anthropicRoutes: Routes = {
  "/v1/messages": {
    post: {
      ...waiting,
      operationId: "createMessage",
      summary: "Answers in the queue's order",
      description:
        "As Anthropic's, for models of any provider. A caller that disconnects cancels its request, unless it gave an `Idempotency-Key`.",
      tag,
      words: "anthropic",
      refusals: [...waiting.refusals, 529],
      body: {
        schema: MessagesBody,
        examples: {
          plain: { summary: "A question", value: ask },
          other: { summary: "To another vendor", value: { ...ask, model: "openai/gpt-5-mini" } },
          streamed: { summary: "Streamed", value: { ...ask, stream: true } },
        },
      },
      answers: {
        200: {
          description: "The answer.",
          content: { [json]: AnthropicMessage, "text/event-stream": "text" },
          headers: ["Idempotency-Replayed", "X-Accel-Buffering"],
          always: ["X-Queue-Request-Id", "Request-Id"],
        },
        202: { ...later, always: [...(later.always ?? []), "Request-Id"] },
      },
    },
  },
  "/v1/messages/count_tokens": {
    post: {
      operationId: "countTokens",
      summary: "Refuses to count",
      description:
        "Only the provider could count as it bills: always 400 `not_supported`. The usage of an answer tells.",
      tag,
      words: "anthropic",
      scope: "any",
      body: { schema: CountBody, examples: { one: { summary: "Anything", value: ask } } },
      answers: {},
    },
  },
}
