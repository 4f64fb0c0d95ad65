import * as z from "zod/mini"
import { BatchesQuery, batchBody, MessageBatchesQuery } from "../../../src/core/contracts/batches.ts"
import { CompleteBody, FileForm, FilesQuery, uploadBody } from "../../../src/core/contracts/files.ts"
import { Message } from "../../../src/core/contracts/messages.ts"
import { MessagesBody } from "../../../src/dialects/anthropic-messages.ts"
import type { Operation } from "./operations.ts"

// What vendors' clients call.

const anyFields = z.exactOptional(z.nullable(z.record(z.string(), z.unknown())))
const maybe = <Schema extends z.ZodMiniType>(schema: Schema) => z.exactOptional(z.nullable(schema))

/** Of these two, what is read or translated. The code checks them member by member, against no schema of the whole. */
const ChatBody = z.looseObject({
  model: z.string(),
  messages: z.array(Message),
  metadata: maybe(z.record(z.string(), z.string())),
  stream: maybe(z.boolean()),
  stream_options: maybe(z.object({ include_usage: maybe(z.boolean()) })),
  n: maybe(z.number()),
  temperature: maybe(z.number()),
  modalities: maybe(z.array(z.enum(["text", "audio"]))),
  tools: maybe(z.array(z.object({ type: z.enum(["function"]), function: anyFields }))),
  response_format: anyFields,
})
const ResponseBody = z.looseObject({
  model: z.string(),
  instructions: maybe(z.string()),
  input: z.union([
    z.string(),
    z.array(
      z.union([
        z.object({ role: z.enum(["user", "assistant", "developer"]), content: z.unknown() }),
        z.object({ type: z.enum(["function_call"]), call_id: z.string(), name: z.string() }),
        z.object({ type: z.enum(["function_call_output"]), call_id: z.string(), output: z.string() }),
        z.object({ type: z.enum(["reasoning", "item_reference"]), id: z.string() }),
      ]),
    ),
  ]),
  background: maybe(z.boolean()),
  stream: maybe(z.boolean()),
  metadata: maybe(z.record(z.string(), z.string())),
  max_output_tokens: maybe(z.number()),
  reasoning: anyFields,
  text: maybe(z.object({ format: anyFields, verbosity: maybe(z.string()) })),
  tools: maybe(z.array(z.object({ type: z.enum(["function", "web_search"]), name: z.string() }))),
  tool_choice: maybe(z.union([z.string(), z.record(z.string(), z.unknown())])),
  previous_response_id: maybe(z.string()),
})
const MessageBatchBody = z.object({
  requests: z.array(z.object({ custom_id: z.string(), params: z.record(z.string(), z.unknown()) })),
})
const PartForm = z.object({ data: z.string() })

const messages = [{ role: "user", content: "Say hello." }]
const least = { model: "gpt-5", messages }
const leastMessage = { model: "claude-sonnet-4-5", max_tokens: 100, messages }
/** Nothing drains here, so nobody waits for an answer. */
const headers = { prefer: "respond-async" }
const post = { method: "POST", scope: "enqueue" } as const
const get = { method: "GET", scope: "read", reads: true } as const
const cancel = { method: "POST", scope: "cancel" } as const

const batch = {
  input_file_id: "{fileId}",
  endpoint: "/v1/chat/completions",
  completion_window: "24h",
}
const upload = { bytes: 200, filename: "a.jsonl", mime_type: "application/jsonl", purpose: "batch" }

export const VENDOR_OPERATIONS: Operation[] = [
  {
    ...{ ...post, path: "/v1/chat/completions", headers, gives: { requestId: "requestId" } },
    body: { schema: ChatBody, least, kept: ["messages", "metadata"] },
  },
  {
    ...{ ...post, path: "/v1/responses", headers, gives: { requestId: "requestId" } },
    body: { schema: ResponseBody, least: { model: "gpt-5", input: "Say hello." }, kept: [] },
  },
  { ...get, path: "/v1/responses/{responseId}" },
  { ...cancel, path: "/v1/responses/{responseId}/cancel" },
  {
    ...{ ...post, path: "/v1/messages", headers, gives: { requestId: "requestId" } },
    body: { schema: MessagesBody, least: leastMessage, kept: [] },
  },
  { method: "POST", path: "/v1/messages/count_tokens", scope: "any", reads: true },
  { method: "GET", path: "/v1/models", scope: "any", reads: true },
  { method: "GET", path: "/v1/models/{model}", scope: "any", reads: true },
  {
    ...{ ...post, path: "/v1/files", gives: { fileId: "id" }, takesBack: true },
    body: { schema: FileForm, least: { file: "in.jsonl", purpose: "batch" }, file: "file" },
  },
  { ...get, path: "/v1/files", query: FilesQuery },
  { ...get, path: "/v1/files/{fileId}" },
  { ...get, path: "/v1/files/{fileId}/content" },
  { method: "DELETE", path: "/v1/files/{fileId}", scope: "enqueue" },
  {
    ...{ ...post, path: "/v1/uploads", gives: { uploadId: "id" } },
    body: { schema: uploadBody(1_000_000), least: upload },
  },
  {
    ...{ ...post, path: "/v1/uploads/{uploadId}/parts", gives: { partId: "id" }, takesBack: true },
    body: { schema: PartForm, least: { data: "part" }, file: "data" },
  },
  {
    ...{ ...post, path: "/v1/uploads/{uploadId}/complete" },
    body: { schema: CompleteBody, least: { part_ids: ["{partId}"] } },
  },
  { ...post, path: "/v1/uploads/{uploadId}/cancel", goesOn: true },
  {
    ...{ ...post, path: "/v1/batches", gives: { batchId: "id" } },
    body: { schema: batchBody(["/v1/chat/completions", "/v1/responses"]), least: batch },
  },
  { ...get, path: "/v1/batches", query: BatchesQuery },
  { ...get, path: "/v1/batches/{batchId}" },
  { ...cancel, path: "/v1/batches/{batchId}/cancel" },
  {
    ...{ ...post, path: "/v1/messages/batches", gives: { messageBatchId: "id" }, takesBack: true },
    body: {
      schema: MessageBatchBody,
      least: { requests: [{ custom_id: "one", params: leastMessage }] },
    },
  },
  { ...get, path: "/v1/messages/batches", query: MessageBatchesQuery },
  { ...get, path: "/v1/messages/batches/{messageBatchId}" },
  { ...get, path: "/v1/messages/batches/{messageBatchId}/results" },
  { ...cancel, path: "/v1/messages/batches/{messageBatchId}/cancel" },
  { method: "DELETE", path: "/v1/messages/batches/{messageBatchId}", scope: "enqueue" },
]
