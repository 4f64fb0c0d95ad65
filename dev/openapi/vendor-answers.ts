import * as z from "zod"
import { named } from "./components.ts"
import { count } from "./requests-answers.ts"

// Answers in vendors' shapes. What their clients promise is here; their references tell the rest.

const text = z.string()
const seconds = z.int().describe("Epoch, seconds.")

export const OpenAiChat = named(
  "OpenAiChatCompletion",
  z
    .looseObject({
      id: text,
      object: z.literal("chat.completion"),
      created: z.int(),
      model: text,
      choices: z.array(
        z.looseObject({
          index: count,
          message: z.looseObject({
            role: z.literal("assistant"),
            content: text.nullable(),
            refusal: text.nullable(),
          }),
          finish_reason: text,
          logprobs: z.unknown(),
        }),
      ),
      usage: z.looseObject({ prompt_tokens: count, completion_tokens: count, total_tokens: count }),
      simulated: z.literal(true).optional(),
    })
    .describe("See https://platform.openai.com/docs/api-reference/chat/object."),
)

const OpenAiModel = z.strictObject({
  id: text,
  object: z.literal("model"),
  created: z.int(),
  owned_by: text,
})
const AnthropicModel = z.strictObject({
  type: z.literal("model"),
  id: text,
  display_name: text,
  created_at: text,
})
export const Model = named("Model", z.union([OpenAiModel, AnthropicModel]))
export const Models = named(
  "Models",
  z.union([
    z.strictObject({ object: z.literal("list"), data: z.array(OpenAiModel) }),
    z.strictObject({
      data: z.array(AnthropicModel),
      has_more: z.literal(false),
      first_id: text.nullable(),
      last_id: text.nullable(),
    }),
  ]),
)

export const OpenAiResponse = named(
  "OpenAiResponse",
  z
    .looseObject({
      id: text.regex(/^resp_/),
      object: z.literal("response"),
      created_at: seconds,
      completed_at: seconds.nullable(),
      status: z.enum(["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]),
      incomplete_details: z.strictObject({ reason: text }).nullable(),
      error: z.strictObject({ code: text, message: text }).nullable(),
      model: text,
      output: z.array(z.looseObject({ type: z.enum(["message", "function_call"]), id: text })),
      usage: z.looseObject({ input_tokens: count, output_tokens: count, total_tokens: count }).nullable(),
      metadata: z.record(text, text),
    })
    .describe("See https://platform.openai.com/docs/api-reference/responses/object."),
)

const StoredFile = named(
  "OpenAiFile",
  z.strictObject({
    id: text,
    object: z.literal("file"),
    bytes: count,
    created_at: seconds,
    expires_at: seconds,
    filename: text,
    purpose: text,
    status: z.literal("processed"),
    status_details: z.null(),
  }),
)

export { StoredFile as OpenAiFile }

const page = { first_id: text.nullable(), last_id: text.nullable(), has_more: z.boolean() }
export const OpenAiFiles = named(
  "OpenAiFiles",
  z.strictObject({ object: z.literal("list"), data: z.array(StoredFile), ...page }),
)
export const OpenAiFileDeleted = named(
  "OpenAiFileDeleted",
  z.strictObject({ id: text, object: z.literal("file"), deleted: z.literal(true) }),
)

export const OpenAiUpload = named(
  "OpenAiUpload",
  z.strictObject({
    id: text,
    object: z.literal("upload"),
    bytes: count,
    created_at: seconds,
    expires_at: seconds,
    filename: text,
    purpose: text,
    status: z.enum(["pending", "completed", "cancelled"]),
    file: StoredFile.nullable(),
  }),
)
export const OpenAiUploadPart = named(
  "OpenAiUploadPart",
  z.strictObject({ id: text, object: z.literal("upload.part"), created_at: seconds, upload_id: text }),
)

const nullableSeconds = seconds.nullable()
const Batch = named(
  "OpenAiBatch",
  z.strictObject({
    id: text,
    object: z.literal("batch"),
    endpoint: text,
    errors: z
      .strictObject({
        object: z.literal("list"),
        data: z.array(
          z.strictObject({
            code: text,
            message: text,
            param: text.nullable(),
            line: z.int().nullable().describe("From 1; null: of the file as a whole."),
          }),
        ),
      })
      .nullable(),
    input_file_id: text,
    completion_window: z.literal("24h"),
    status: z.enum([
      "validating",
      "failed",
      "in_progress",
      "finalizing",
      "completed",
      "expired",
      "cancelling",
      "cancelled",
    ]),
    output_file_id: text.nullable(),
    error_file_id: text.nullable(),
    created_at: seconds,
    in_progress_at: nullableSeconds,
    expires_at: seconds,
    finalizing_at: nullableSeconds,
    completed_at: nullableSeconds,
    failed_at: nullableSeconds,
    expired_at: nullableSeconds,
    cancelling_at: nullableSeconds,
    cancelled_at: nullableSeconds,
    request_counts: z.strictObject({ total: count, completed: count, failed: count }),
    usage: z.strictObject({
      input_tokens: count,
      input_tokens_details: z.strictObject({ cached_tokens: count }),
      output_tokens: count,
      output_tokens_details: z.strictObject({ reasoning_tokens: count }),
      total_tokens: count,
    }),
    metadata: z.record(text, text).nullable(),
  }),
)

export { Batch as OpenAiBatch }
export const OpenAiBatches = named(
  "OpenAiBatches",
  z.strictObject({ object: z.literal("list"), data: z.array(Batch), ...page }),
)

const time = text.describe("RFC 3339.")
const MessageBatch = named(
  "AnthropicMessageBatch",
  z.strictObject({
    id: text,
    type: z.literal("message_batch"),
    processing_status: z.enum(["in_progress", "canceling", "ended"]),
    request_counts: z.strictObject({
      ...{ processing: count, succeeded: count, errored: count, canceled: count, expired: count },
    }),
    created_at: time,
    expires_at: time,
    ended_at: time.nullable(),
    cancel_initiated_at: time.nullable(),
    archived_at: z.null(),
    results_url: text.nullable(),
  }),
)

export { MessageBatch as AnthropicMessageBatch }
export const AnthropicMessageBatches = named(
  "AnthropicMessageBatches",
  z.strictObject({ data: z.array(MessageBatch), ...page }),
)
export const AnthropicMessageBatchDeleted = named(
  "AnthropicMessageBatchDeleted",
  z.strictObject({ id: text, type: z.literal("message_batch_deleted") }),
)

export const AnthropicMessage = named(
  "AnthropicMessage",
  z
    .looseObject({
      id: text.regex(/^msg_/),
      type: z.literal("message"),
      role: z.literal("assistant"),
      model: text,
      content: z.array(
        z.looseObject({ type: z.enum(["text", "tool_use", "thinking", "redacted_thinking"]) }),
      ),
      stop_reason: text.nullable(),
      stop_sequence: text.nullable(),
      usage: z.looseObject({ input_tokens: count, output_tokens: count }),
    })
    .describe("See https://platform.claude.com/docs/en/api/messages."),
)
