import type { Quotas } from "../core/limits.ts"
import type { RequestError } from "../core/outcome.ts"
import type { ChatCompletion, RequestBody, Usage } from "../core/request.ts"
import type { SetTimer } from "../core/timers.ts"

/** One call of a provider: everything an adapter needs, nothing it has to look up. */
export interface ProviderCall {
  model: string
  body: RequestBody
  /** Bounds the whole call, from now on. The caller already holds a connection slot. */
  timeoutMs: number
  /** The assembled answer's JSON may not be longer, bytes. */
  maxResultBytes: number
  /** Aborted when the request was cancelled or the drain must end. */
  signal: AbortSignal
  /** Told the visible text of the first choice each time that it has grown; may not throw. */
  onText?: (text: string) => void
  /** Frees the connection slot once response headers have arrived, so injected by the drain. */
  fetch: typeof fetch
  /** Of the call's span, for gateways; absent: there is none. */
  traceparent?: string
  /** The drain's, since a Durable Object never frees timers that are cleared. */
  setTimer: SetTimer
}

/**
 * What a call came to. `answered` is a whole answer; `failed` says whose trouble it was; `aborted`
 * means that `signal` ended it. `usage` is what is known of the tokens that were spent.
 */
export type CallOutcome = CallEnd & {
  /** What the answer told of the provider's rate limits; absent: nothing. */
  quotas?: Quotas
}

export type CallEnd =
  | {
      kind: "answered"
      response: ChatCompletion
      /** null: the endpoint counted nothing, or the connection broke before it said. Never a made-up 0. */
      usage: Usage | null
      status: number
      providerRequestId: string | null
    }
  | { kind: "failed"; failure: CallFailure; usage: Usage | null }
  | { kind: "aborted"; usage: Usage | null; possiblyBilled: boolean }

export interface CallFailure {
  error: RequestError
  /**
   * Whose trouble it is. `request`: this request alone. `provider`: everyone's for a while (rate
   * limited, overloaded, down). `account`: the key, the balance or a spend limit, so nobody's request.
   */
  scope: "request" | "provider" | "account"
  /** How long the provider asked us to wait, ms. */
  retryAfterMs: number | null
  providerRequestId: string | null
  /** The provider may charge for it although there is no answer. */
  possiblyBilled: boolean
  /** For `result_too_large`: the beginning of the text. */
  partialText: string | null
}

/** One configured provider. `call` never throws: every end is an outcome. */
export interface Provider {
  readonly name: string
  readonly simulated: boolean
  call(call: ProviderCall): Promise<CallOutcome>
}
