import type { Callback, ChatMessage, Priority, Target } from "./request.ts"

/** What may be said of a request beside what is to be called; the defaults are the settings'. */
export interface RequestOptions {
  /** Default: `normal`. */
  priority?: Priority
  /** The tenant. Over HTTP by default the key's own, required with a key for all; in the library `default`. */
  organizationId?: string
  /** OpenAI chat-completion fields, translated for each vendor: `temperature`, `max_tokens`, … */
  options?: Record<string, unknown>
  /** The vendor's own fields, merged last. */
  providerOptions?: Record<string, unknown>
  /** Bounds one attempt: 1,000 to 600,000. */
  timeoutMs?: number
  /** 0 to 10. */
  maxRetries?: number
  /** From now, at most 30 days; not together with `scheduledAt`. */
  delayMs?: number
  /** Epoch ms, at most 30 days ahead; a past instant means now. */
  scheduledAt?: number | null
  /** Epoch ms: not started or retried after it. */
  deadlineAt?: number | null
  /** How long a success is kept: 60 to 2,592,000. */
  resultTtlSeconds?: number
  /** At most 16 pairs. */
  metadata?: Record<string, string>
  /** Where it may go instead, in this order, when its provider has trouble. */
  fallbacks?: Target[]
  /** Whom to tell when it has ended; of all its ends, and without the response, unless it says otherwise. */
  callback?: (Pick<Callback, "url"> & Partial<Callback>) | null
}

/** A chat request, as `POST /v1/requests` and the library take it. */
export interface AskedRequest extends RequestOptions {
  /** `openai`, `anthropic`, `deepseek`, another configured one; `auto` with a route as model. */
  provider: string
  model: string
  /** 1 to 1,000, in OpenAI's chat format, whatever the provider. */
  messages: ChatMessage[]
}
