import type { ChatChoice, ChatCompletion, Usage } from "../../core/request.ts"
import { isObject, textOr } from "../json.ts"
import { count, toWireUsage } from "../usage.ts"
import type { Assembly, ErrorReport, Progress } from "../wire.ts"
import { ChoiceDraft, type WireChoice } from "./choice.ts"
import { explainStreamError } from "./errors.ts"

/** A chunk of a stream, or a whole answer: they differ only in what a choice calls its message. */
interface WireChunk {
  id?: unknown
  created?: unknown
  model?: unknown
  choices?: WireChoice[]
  usage?: WireUsage | null
  error?: unknown
}

interface WireUsage {
  prompt_tokens?: number
  completion_tokens?: number
  prompt_tokens_details?: { cached_tokens?: number; cache_write_tokens?: number } | null
  completion_tokens_details?: { reasoning_tokens?: number } | null
  /** DeepSeek's name for cached input. */
  prompt_cache_hit_tokens?: number
}

/** DeepSeek's way to say, after a 200, that it ran out of machines in the middle of the answer. */
const OUT_OF_RESOURCES = "insufficient_system_resource"

const FINISH_REASONS = new Map<string, ChatChoice["finish_reason"]>([
  ["stop", "stop"],
  ["length", "length"],
  ["tool_calls", "tool_calls"],
  ["function_call", "tool_calls"],
  ["content_filter", "content_filter"],
])

/** Puts the chunks of one chat completion together. */
export class ChatAssembly implements Assembly {
  usage: Usage | null = null
  readonly #drafts = new Map<number, ChoiceDraft>()
  #id = ""
  #created = 0
  #done = false
  #model: string

  constructor(model: string) {
    this.#model = model
  }

  get size(): number {
    let size = 0
    for (const draft of this.#drafts.values()) size += draft.size
    return size
  }

  get text(): string {
    return this.#drafts.get(0)?.text ?? ""
  }

  take(data: string): Progress {
    if (data.trim() !== "[DONE]") return this.#takeChunk(JSON.parse(data))
    this.#done = true
    return "end"
  }

  takeWhole(json: string): Progress {
    return this.#takeChunk(JSON.parse(json))
  }

  finish(): ChatCompletion | null {
    const drafts = [...this.#drafts].sort(([a], [b]) => a - b)
    const stopped = this.#done || drafts.every(([, draft]) => draft.finishReason !== null)
    if (drafts.length === 0 || !stopped) return null
    return {
      id: this.#id,
      object: "chat.completion",
      created: this.#created || Math.floor(Date.now() / 1000),
      model: this.#model,
      choices: drafts.map(([index, draft]) => ({
        index,
        message: draft.message(),
        finish_reason: FINISH_REASONS.get(draft.finishReason ?? "") ?? "stop",
        ...(draft.logprobs === null ? {} : { logprobs: draft.logprobs }),
      })),
      usage: toWireUsage(this.usage),
    }
  }

  #takeChunk(chunk: WireChunk): Progress {
    if (isObject(chunk.usage)) this.usage = readUsage(chunk.usage)
    const error = explainStreamError(chunk)
    if (error !== null) return error
    this.#id = textOr(this.#id, chunk.id)
    this.#model = textOr(this.#model, chunk.model)
    if (typeof chunk.created === "number") this.#created = chunk.created
    let progress: Progress = "nothing"
    for (const choice of chunk.choices ?? []) {
      if (choice.finish_reason === OUT_OF_RESOURCES) return outOfResources()
      const index = typeof choice.index === "number" ? choice.index : 0
      const draft = this.#drafts.get(index) ?? new ChoiceDraft()
      this.#drafts.set(index, draft)
      if (draft.take(choice)) progress = "content"
    }
    return progress
  }
}

/** `prompt_tokens` holds cached tokens and `completion_tokens` the reasoning, as ours do. */
function readUsage(usage: WireUsage): Usage {
  const cached = usage.prompt_tokens_details?.cached_tokens ?? usage.prompt_cache_hit_tokens
  return {
    inputTokens: count(usage.prompt_tokens),
    cachedInputTokens: count(cached),
    cacheWriteInputTokens: count(usage.prompt_tokens_details?.cache_write_tokens),
    outputTokens: count(usage.completion_tokens),
    reasoningTokens: count(usage.completion_tokens_details?.reasoning_tokens),
  }
}

function outOfResources(): ErrorReport {
  return { problem: "overloaded", vendorText: "", requestId: null }
}
