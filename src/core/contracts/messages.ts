import * as z from "zod/mini"
import type { ChatMessage } from "../request.ts"
import { check, type Path, type Problem } from "./problem.ts"

// OpenAI's chat format: strict on what the adapters translate, lenient on members that it may grow.

/** More than any chat holds; bounds how many mistakes one message can make. */
const MAX_PARTS = 1000

const TextPart = z.looseObject({ type: z.enum(["text"]), text: z.string() })
const ImagePart = z.looseObject({
  type: z.enum(["image_url"]),
  image_url: z.looseObject({
    url: z.string().check(z.regex(/^(https?:|data:)/i, "must be an http(s) or a data URL")),
    detail: z.exactOptional(z.enum(["auto", "low", "high"])),
  }),
})

function few<Part extends z.ZodMiniType>(part: Part) {
  return z.pipe(z.array(z.unknown()).check(z.minLength(1), z.maxLength(MAX_PARTS)), z.array(part))
}
const Text = z.union([z.string(), few(z.discriminatedUnion("type", [TextPart]))])
const TextAndImages = z.union([z.string(), few(z.discriminatedUnion("type", [TextPart, ImagePart]))])

const ToolCalls = few(
  z.looseObject({
    id: z.string().check(z.minLength(1)),
    type: z.enum(["function"]),
    function: z.looseObject({ name: z.string().check(z.minLength(1)), arguments: z.string() }),
  }),
)
const name = z.exactOptional(z.string())

/** One message of a chat. */
export const Message = z.discriminatedUnion("role", [
  z.looseObject({ role: z.enum(["system"]), content: Text, name }),
  z.looseObject({ role: z.enum(["developer"]), content: Text, name }),
  z.looseObject({ role: z.enum(["user"]), content: TextAndImages, name }),
  z
    .looseObject({
      role: z.enum(["assistant"]),
      content: z.exactOptional(z.nullable(Text)),
      name,
      tool_calls: z.exactOptional(ToolCalls),
      reasoning_content: z.exactOptional(z.string()),
    })
    .check(
      z.refine(
        (message) => message.content != null || message.tool_calls != null || message.refusal != null,
        {
          path: ["content"],
          error: "is required where there are no tool_calls",
        },
      ),
    ),
  z.looseObject({
    role: z.enum(["tool"]),
    content: TextAndImages,
    tool_call_id: z.string().check(z.minLength(1)),
  }),
])

/** Reads the messages one by one, and stops once `limit` problems are found. */
export function readMessages(
  values: unknown[],
  at: Path,
  limit: number,
): { messages: ChatMessage[]; problems: Problem[] } {
  const messages: ChatMessage[] = []
  const problems: Problem[] = []
  for (const [i, value] of values.entries()) {
    const read = check(Message, value, [...at, i])
    if (read.value !== null) messages.push(read.value)
    else problems.push(...read.problems)
    if (problems.length >= limit) break
  }
  return { messages, problems }
}
