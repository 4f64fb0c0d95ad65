import type Anthropic from "@anthropic-ai/sdk"
import fc from "fast-check"

type Body = Anthropic.MessageCreateParamsNonStreaming
type Block = Anthropic.ContentBlockParam

const words = fc.string({ minLength: 1, maxLength: 12 })
const id = fc.stringMatching(/^toolu_[A-Za-z0-9]{1,8}$/)
const json = fc.dictionary(
  words.filter((name) => name !== "__proto__"),
  fc.jsonValue({ maxDepth: 1 }).map((value) => JSON.parse(JSON.stringify(value))),
  { maxKeys: 3 },
)
const mark = fc.record({ cache_control: fc.constant({ type: "ephemeral" as const }) }, { requiredKeys: [] })
const marked = <T extends object>(block: fc.Arbitrary<T>) =>
  fc.tuple(block, mark).map(([one, other]): T => ({ ...one, ...other }))

const text = marked(fc.record({ type: fc.constant("text" as const), text: words }))
const image = marked(
  fc.record({
    type: fc.constant("image" as const),
    source: fc.oneof(
      fc.record({
        type: fc.constant("base64" as const),
        media_type: fc.constantFrom("image/png" as const, "image/jpeg" as const),
        data: fc.base64String({ minLength: 4 }),
      }),
      fc.record({ type: fc.constant("url" as const), url: fc.webUrl() }),
    ),
  }),
)
const thought = fc.oneof(
  fc.record({ type: fc.constant("thinking" as const), thinking: words, signature: words }),
  fc.record({ type: fc.constant("redacted_thinking" as const), data: words }),
)
const toolUse = marked(fc.record({ type: fc.constant("tool_use" as const), id, name: words, input: json }))
const toolResult = marked(
  fc.record(
    {
      type: fc.constant("tool_result" as const),
      tool_use_id: id,
      content: fc.oneof(words, fc.array(fc.oneof(text, image), { minLength: 2, maxLength: 3 })),
      is_error: fc.constant(true),
    },
    { requiredKeys: ["type", "tool_use_id"] },
  ),
)

/** In the order in which Anthropic itself gives, and wants, the kinds of blocks. */
const inOrder = (...kinds: fc.Arbitrary<Block[]>[]) =>
  fc
    .tuple(...kinds)
    .map((lists) => lists.flat())
    .filter((blocks) => blocks.length > 0)
const some = <T>(block: fc.Arbitrary<T>) => fc.array(block, { maxLength: 3 })

const said = fc.oneof(words, inOrder(some(toolResult), some(fc.oneof(text, image))))
const answered = fc.oneof(words, inOrder(some(thought), some(text), some(toolUse)))
const tool = marked(
  fc.record(
    {
      name: words,
      input_schema: fc.constant({ type: "object" as const }),
      description: words,
      strict: fc.boolean(),
    },
    { requiredKeys: ["name", "input_schema"] },
  ),
)
const toolChoice = fc.oneof(
  fc.record(
    { type: fc.constantFrom("auto" as const, "any" as const), disable_parallel_tool_use: fc.constant(true) },
    { requiredKeys: ["type"] },
  ),
  fc.record({ type: fc.constant("tool" as const), name: words }),
  fc.record({ type: fc.constant("none" as const) }),
)

/** Any body of the supported subset. */
export const anyMessagesBody: fc.Arbitrary<Body> = fc.record(
  {
    model: fc.constant("claude-sonnet-5"),
    max_tokens: fc.integer({ min: 1, max: 8192 }),
    messages: fc.array(fc.tuple(said, answered), { minLength: 1, maxLength: 3 }).map((rounds) =>
      rounds.flatMap(([user, assistant]): Anthropic.MessageParam[] => [
        { role: "user", content: user },
        { role: "assistant", content: assistant },
      ]),
    ),
    system: fc.oneof(words, fc.array(text, { minLength: 1, maxLength: 3 })),
    temperature: fc.constantFrom(0, 0.5, 1),
    top_p: fc.constantFrom(0.1, 1),
    top_k: fc.nat(50),
    stop_sequences: fc.array(words, { minLength: 1, maxLength: 2 }),
    tools: fc.array(tool, { minLength: 1, maxLength: 3 }),
    tool_choice: toolChoice,
    thinking: fc.constantFrom({ type: "enabled", budget_tokens: 2048 }, { type: "adaptive" }),
    metadata: fc.record({ user_id: words }),
    service_tier: fc.constantFrom("auto", "standard_only"),
  },
  { requiredKeys: ["model", "max_tokens", "messages"] },
)

/** The same body as it goes out: what may be said in two ways is said in one of them. */
export function asSent({ system, tool_choice, messages, ...rest }: Body): object {
  return {
    ...rest,
    messages: messages.map(({ role, content }) => ({
      role,
      content: typeof content === "string" ? [{ type: "text", text: content }] : content,
    })),
    ...(system === undefined ? {} : { system: systemAsSent(system) }),
    // Without tools there is nothing to choose.
    ...(tool_choice === undefined || rest.tools === undefined ? {} : { tool_choice }),
  }
}

function systemAsSent(system: NonNullable<Body["system"]>): unknown {
  const [only] = system
  const isPlain = typeof only !== "string" && system.length === 1 && only?.cache_control === undefined
  return isPlain ? only?.text : system
}
