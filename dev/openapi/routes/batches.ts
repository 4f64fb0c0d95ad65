import { BatchesQuery, MessageBatchesQuery } from "../../../src/core/contracts/batches.ts"
import { described } from "../components.ts"
import type { Operation, Routes } from "../operation.ts"
import {
  AnthropicMessageBatch,
  AnthropicMessageBatchDeleted,
  AnthropicMessageBatches,
  OpenAiBatch,
  OpenAiBatches,
} from "../vendor-answers.ts"
import { BatchBody, MessageBatchBody } from "../vendor-bodies.ts"

const json = "application/json"
const openai = {
  tag: "OpenAI: files and batches",
  words: "openai",
  parameters: ["Organization"],
} satisfies Partial<Operation>
const anthropic = {
  tag: "Anthropic",
  words: "anthropic",
  parameters: ["Organization"],
} satisfies Partial<Operation>

described(BatchesQuery, { limit: "How many per page.", after: "The last id of the page before." })
described(MessageBatchesQuery, {
  limit: "How many per page.",
  before_id: "The first id of the page behind.",
  after_id: "The last id of the page before.",
})

export const batchRoutes: Routes = {
  "/v1/batches": {
    post: {
      ...openai,
      operationId: "createBatch",
      summary: "Works through a file of requests",
      scope: "enqueue",
      parameters: [...openai.parameters, "IdempotencyKey"],
      body: {
        schema: BatchBody,
        examples: {
          chat: {
            summary: "Chats from a file",
            value: {
              input_file_id: "{fileId}",
              endpoint: "/v1/chat/completions",
              completion_window: "24h",
              metadata: { purpose: "nightly" },
            },
          },
        },
      },
      answers: { 200: { description: "The batch.", content: { [json]: OpenAiBatch } } },
      refusals: [422],
    },
    get: {
      ...openai,
      operationId: "listBatches",
      summary: "Lists batches, newest first",
      scope: "read",
      query: BatchesQuery,
      answers: { 200: { description: "A page.", content: { [json]: OpenAiBatches } } },
    },
  },
  "/v1/batches/{batchId}": {
    get: {
      ...openai,
      operationId: "getBatch",
      summary: "Tells of a batch; its counts move while it runs",
      scope: "read",
      answers: { 200: { description: "The batch.", content: { [json]: OpenAiBatch } } },
      refusals: [400, 404],
    },
  },
  "/v1/batches/{batchId}/cancel": {
    post: {
      ...openai,
      operationId: "cancelBatch",
      summary: "Cancels what of a batch has not ended",
      scope: "cancel",
      answers: { 200: { description: "The batch.", content: { [json]: OpenAiBatch } } },
      refusals: [400, 404, 409],
    },
  },
  "/v1/messages/batches": {
    post: {
      ...anthropic,
      operationId: "createMessageBatch",
      summary: "Works through many messages",
      scope: "enqueue",
      parameters: [...anthropic.parameters, "IdempotencyKey"],
      body: {
        schema: MessageBatchBody,
        examples: {
          one: {
            summary: "One message",
            value: {
              requests: [
                {
                  custom_id: "first",
                  params: {
                    model: "claude-sonnet-4-5",
                    max_tokens: 500,
                    messages: [{ role: "user", content: "Say hello." }],
                  },
                },
              ],
            },
          },
        },
      },
      answers: { 200: { description: "The batch.", content: { [json]: AnthropicMessageBatch } } },
      refusals: [422],
    },
    get: {
      ...anthropic,
      operationId: "listMessageBatches",
      summary: "Lists message batches, newest first",
      scope: "read",
      query: MessageBatchesQuery,
      answers: { 200: { description: "A page.", content: { [json]: AnthropicMessageBatches } } },
    },
  },
  "/v1/messages/batches/{batchId}": {
    get: {
      ...anthropic,
      operationId: "getMessageBatch",
      summary: "Tells of a message batch",
      scope: "read",
      answers: { 200: { description: "The batch.", content: { [json]: AnthropicMessageBatch } } },
      refusals: [400, 404],
    },
    delete: {
      ...anthropic,
      operationId: "deleteMessageBatch",
      summary: "Removes a message batch that has ended",
      scope: "enqueue",
      answers: { 200: { description: "It is gone.", content: { [json]: AnthropicMessageBatchDeleted } } },
      refusals: [400, 404, 409],
    },
  },
  "/v1/messages/batches/{batchId}/cancel": {
    post: {
      ...anthropic,
      operationId: "cancelMessageBatch",
      summary: "Cancels what of a message batch has not ended",
      scope: "cancel",
      answers: { 200: { description: "The batch.", content: { [json]: AnthropicMessageBatch } } },
      refusals: [400, 404],
    },
  },
  "/v1/messages/batches/{batchId}/results": {
    get: {
      ...anthropic,
      operationId: "getMessageBatchResults",
      summary: "Streams what became of each message",
      scope: "read",
      answers: {
        200: { description: "A line per message.", content: { "application/x-jsonl": "text" } },
      },
      refusals: [400, 404],
    },
  },
}
