import * as z from "zod"
import { OPENAI_ENDPOINTS } from "../../src/batches/openai-lines.ts"
import { batchBody } from "../../src/core/contracts/batches.ts"
import { CompleteBody, FileForm, uploadBody } from "../../src/core/contracts/files.ts"
import { described, named } from "./components.ts"
import { ChatMessage } from "./requests-answers.ts"

// Bodies in vendors' words. What the queue does not use itself is passed on, so most of these are open.

const model = z
  .string()
  .min(1)
  .describe("A vendor's name, `<provider>/<model>`, a route, or a name from the setting `MODELS`.")
const metadata = z.record(z.string(), z.string()).nullable().optional()

export const ChatBody = named(
  "OpenAiChatBody",
  z
    .looseObject({
      model,
      messages: z.array(ChatMessage).min(1),
      stream: z.boolean().nullable().optional(),
      metadata,
    })
    .describe(
      "See https://platform.openai.com/docs/api-reference/chat/create; `n` is 1, the output is text.",
    ),
)

export const ResponseBody = named(
  "OpenAiResponseBody",
  z
    .looseObject({
      model,
      input: z.union([z.string(), z.array(z.looseObject({}))]),
      instructions: z.string().nullable().optional(),
      background: z
        .boolean()
        .nullable()
        .optional()
        .describe("Answers at once, with the response to ask for."),
      max_output_tokens: z.int().nullable().optional(),
      metadata,
    })
    .describe(
      "See https://platform.openai.com/docs/api-reference/responses/create: text and function calls, without streaming and without a kept conversation.",
    ),
)

export const FileBody = named(
  "OpenAiFileForm",
  z.strictObject({
    purpose: FileForm.shape.purpose,
    expires_after: FileForm.shape.expires_after,
    file: z.file().describe("JSONL in UTF-8, at most `MAX_FILE_BYTES`."),
  }),
)

const MOST_BYTES = Number.MAX_SAFE_INTEGER
export const UploadBody = named(
  "OpenAiUploadBody",
  described(uploadBody(MOST_BYTES), {
    bytes: "Of all parts together, at most `MAX_FILE_BYTES`.",
    filename: "The file's name.",
    mime_type: "Such as `application/jsonl`.",
    purpose: "What it is for.",
    expires_after: "How long the file is kept; 30 days unless said otherwise.",
  }),
)

export const PartBody = named(
  "OpenAiPartForm",
  z.strictObject({ data: z.file().describe("At most 64 MiB.") }),
)

export const CompleteUploadBody = named(
  "OpenAiCompleteBody",
  described(CompleteBody, {
    part_ids: "In the order in which they make up the file.",
    md5: "Of all of it, hex.",
  }),
)

export const MessagesBody = named(
  "AnthropicMessagesBody",
  z
    .looseObject({
      model,
      max_tokens: z.int().min(1),
      messages: z.array(
        z.looseObject({
          role: z.enum(["user", "assistant"]),
          content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]),
        }),
      ),
      system: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]).optional(),
      stream: z.boolean().optional(),
    })
    .describe("See https://platform.claude.com/docs/en/api/messages."),
)

export const BatchBody = named(
  "OpenAiBatchBody",
  described(batchBody(OPENAI_ENDPOINTS), {
    input_file_id: "JSONL, a request per line, with `custom_id`, `method`, `url` and `body`.",
    endpoint: "Of every line.",
    completion_window: "What has not begun by then, never will.",
    metadata: "At most 16 pairs.",
    output_expires_after: "How long the output files are kept; 30 days unless said otherwise.",
  }),
)

export const MessageBatchBody = named(
  "AnthropicMessageBatchBody",
  z
    .looseObject({
      requests: z.array(z.looseObject({ custom_id: z.string(), params: MessagesBody })).min(1),
    })
    .describe("See https://platform.claude.com/docs/en/api/messages/batches/create. Read as it comes."),
)

export const CountBody = named(
  "AnthropicCountBody",
  z.looseObject({}).describe("Tokens are not counted here."),
)
