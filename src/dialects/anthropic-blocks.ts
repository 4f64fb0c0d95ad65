import * as z from "zod/mini"
import { check, MAX_PROBLEMS, type Path, type Problem } from "../core/contracts/problem.ts"

// Anthropic's messages: strict on what is translated, lenient on members that they may grow.

/** More than any message holds; bounds how many mistakes one can make. */
const MAX_BLOCKS = 1000

const text = z.string()
const filled = z.string().check(z.minLength(1))

const TextBlock = z.looseObject({ type: z.enum(["text"]), text })
const ImageBlock = z.looseObject({
  type: z.enum(["image"]),
  source: z.discriminatedUnion("type", [
    z.looseObject({
      type: z.enum(["base64"]),
      media_type: z.string().check(z.regex(/^image\/[a-z0-9.+-]+$/i, "must be an image's type")),
      data: filled,
    }),
    z.looseObject({
      type: z.enum(["url"]),
      url: z.string().check(z.regex(/^https?:/i, "must be an http(s) URL")),
    }),
  ]),
})
const ThinkingBlock = z.looseObject({
  type: z.enum(["thinking"]),
  thinking: text,
  signature: z.exactOptional(text),
})
const RedactedBlock = z.looseObject({ type: z.enum(["redacted_thinking"]), data: text })
const ToolUseBlock = z.looseObject({
  type: z.enum(["tool_use"]),
  id: filled,
  name: filled,
  input: z.record(z.string(), z.unknown()),
})

/** Checked in two steps, so that a hostile array is bounded before its members are looked at. */
function few<Block extends z.ZodMiniType>(block: Block) {
  return z.pipe(z.array(z.unknown()).check(z.minLength(1), z.maxLength(MAX_BLOCKS)), z.array(block))
}
const ToolResultBlock = z.looseObject({
  type: z.enum(["tool_result"]),
  tool_use_id: filled,
  content: z.exactOptional(
    z.union([z.string(), z.array(z.discriminatedUnion("type", [TextBlock, ImageBlock]))]),
  ),
  is_error: z.exactOptional(z.boolean()),
})

const Texts = z.union([z.string(), few(z.discriminatedUnion("type", [TextBlock]))])
const Turn = z.discriminatedUnion("role", [
  z.looseObject({
    role: z.enum(["user"]),
    content: z.union([
      z.string(),
      few(z.discriminatedUnion("type", [TextBlock, ImageBlock, ToolResultBlock])),
    ]),
  }),
  z.looseObject({
    role: z.enum(["assistant"]),
    content: z.union([
      z.string(),
      few(z.discriminatedUnion("type", [TextBlock, ThinkingBlock, RedactedBlock, ToolUseBlock])),
    ]),
  }),
  z.looseObject({ role: z.enum(["system"]), content: Texts }),
])

export type TextBlock = z.infer<typeof TextBlock>
export type ImageBlock = z.infer<typeof ImageBlock>
export type ToolUseBlock = z.infer<typeof ToolUseBlock>
export type ToolResultBlock = z.infer<typeof ToolResultBlock>
export type Turn = z.infer<typeof Turn>
export type System = z.infer<typeof Texts>

/** The system's words; none: undefined. */
export const SystemField = z.exactOptional(Texts)

/** Reads turns one by one, and stops once there are too many problems. */
export function readTurns(values: unknown[], at: Path): { turns: Turn[]; problems: Problem[] } {
  const turns: Turn[] = []
  const problems: Problem[] = []
  for (const [i, value] of values.entries()) {
    const read = check(Turn, value, [...at, i])
    if (read.value !== null) turns.push(read.value)
    else problems.push(...read.problems)
    if (problems.length >= MAX_PROBLEMS) break
  }
  return { turns, problems }
}
