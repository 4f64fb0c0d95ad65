import type { Problem } from "./problem.ts"

/** What people put beside `model` because vendors have it there. */
const VENDOR_OPTIONS = new Set([
  ...[
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "stop_sequences",
    "seed",
  ],
  ...["frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs", "response_format"],
  ...["tools", "tool_choice", "parallel_tool_calls", "reasoning_effort", "verbosity", "service_tier", "user"],
  ...["thinking", "store", "prediction", "modalities", "audio", "web_search_options"],
])

/** An unknown member of a request gets the way out: where it belongs, or what was probably meant. */
export function explainUnknown(found: Problem, known: string[]): Problem {
  const name = found.unknownMember
  if (name === undefined) return found
  const meant = known.find((each) => simplify(each) === simplify(name))
  if (meant !== undefined) return { ...found, message: `is not known here: use ${meant}` }
  return VENDOR_OPTIONS.has(name) ? { ...found, message: `is not known here: use options.${name}` } : found
}

function simplify(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z]/g, "")
    .replace("organisation", "organization")
}
