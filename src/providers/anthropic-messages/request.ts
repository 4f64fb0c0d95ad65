import type { Config } from "../../core/config.ts"
import type { RequestBody } from "../../core/request.ts"
import { type Fields, isObject } from "../json.ts"
import { translateMessages } from "./messages.ts"
import { toToolChoice, toTools } from "./tools.ts"

/** From this version on Anthropic refuses sampling options, so they are left out. */
const NO_SAMPLING_VERSION = "2026-10-21"

/** OpenAI's options that have no counterpart here. Passed on, each would turn the request into a 400. */
const WITHOUT_COUNTERPART = [
  "audio",
  "frequency_penalty",
  "function_call",
  "functions",
  "logit_bias",
  "logprobs",
  "modalities",
  "moderation",
  "prediction",
  "presence_penalty",
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
  "seed",
  "store",
  "top_logprobs",
  "verbosity",
  "web_search_options",
]

const EFFORTS = new Map<string, string>([
  ["minimal", "low"],
  ["low", "low"],
  ["medium", "medium"],
  ["high", "high"],
  ["xhigh", "xhigh"],
  ["max", "max"],
])

const JSON_ONLY = "Answer with one JSON object and nothing else."

/** The neutral request in Anthropic's names. Options it does not know pass through. */
export function buildRequest(
  config: Pick<Config, "anthropicDefaultMaxTokens" | "anthropicVersion">,
  model: string,
  body: RequestBody,
): Fields {
  const {
    max_tokens,
    max_completion_tokens,
    temperature,
    top_p,
    stop,
    tools,
    tool_choice,
    parallel_tool_calls,
    response_format,
    reasoning_effort,
    user,
    safety_identifier,
    metadata,
    service_tier,
    ...others
  } = body.options
  for (const name of WITHOUT_COUNTERPART) delete others[name]
  const { system, messages } = translateMessages(body.messages)
  const thinking = toThinking(reasoning_effort)
  const format = toFormat(response_format)
  const outputConfig = { ...thinking.output_config, ...format.output_config }
  const mayVary = config.anthropicVersion < NO_SAMPLING_VERSION && thinking.thinking?.type !== "adaptive"
  const fields: Fields = {
    ...others,
    max_tokens: max_completion_tokens ?? max_tokens ?? config.anthropicDefaultMaxTokens,
    // OpenAI's goes to 2, Anthropic's to 1.
    temperature: mayVary ? (typeof temperature === "number" ? Math.min(temperature, 1) : temperature) : null,
    top_p: mayVary ? top_p : null,
    stop_sequences: typeof stop === "string" ? [stop] : stop,
    tools: Array.isArray(tools) ? toTools(tools) : null,
    tool_choice: Array.isArray(tools) ? toToolChoice(tool_choice, parallel_tool_calls) : null,
    output_config: Object.keys(outputConfig).length > 0 ? outputConfig : others.output_config,
    thinking: thinking.thinking ?? others.thinking,
    metadata: toMetadata(user ?? safety_identifier, metadata),
    service_tier: toServiceTier(service_tier),
  }
  // OpenAI takes null for "not set"; Anthropic mostly refuses it.
  const set = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)
  if (format.instruction !== undefined) system.push({ type: "text", text: format.instruction })
  return {
    ...Object.fromEntries(set),
    ...body.providerOptions,
    model,
    messages,
    ...(system.length === 0 ? {} : { system: toSystem(system) }),
    stream: true,
  }
}

/** Several texts stay apart, and so does what is marked. */
function toSystem(blocks: Fields[]): unknown {
  const [only] = blocks
  return blocks.length === 1 && only?.cache_control === undefined ? only?.text : blocks
}

/** Thinking that adapts to the effort; it excludes sampling options, as OpenAI's reasoning models do. */
function toThinking(effort: unknown): { thinking?: { type: string }; output_config?: { effort: string } } {
  if (effort === "none") return { thinking: { type: "disabled" } }
  const mapped = typeof effort === "string" ? EFFORTS.get(effort) : undefined
  return mapped === undefined ? {} : { thinking: { type: "adaptive" }, output_config: { effort: mapped } }
}

function toFormat(format: unknown): { output_config?: { format: Fields }; instruction?: string } {
  if (!isObject(format)) return {}
  // Anthropic's JSON needs a schema; without one all that is left is to say so.
  if (format.type === "json_object") return { instruction: JSON_ONLY }
  if (format.type !== "json_schema" || !isObject(format.json_schema)) return {}
  return { output_config: { format: { type: "json_schema", schema: format.json_schema.schema } } }
}

function toMetadata(user: unknown, metadata: unknown): Fields | null {
  const id = user ?? (isObject(metadata) ? metadata.user_id : undefined)
  return typeof id === "string" ? { user_id: id } : null
}

function toServiceTier(tier: unknown): string | null {
  if (tier === "default" || tier === "standard_only") return "standard_only"
  return tier === "auto" ? "auto" : null
}
