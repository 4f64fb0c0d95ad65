import * as z from "zod/mini"
import { type Allowance, type Allowances, PROVIDERS, type ProviderName } from "./wire-format.ts"

const amount = z.optional(z.int().check(z.minimum(1)))

/** What an account may do within any minute, as a vendor enforces it: what is refused does not count. */
export const AccountLimit = z.strictObject({
  provider: z.enum(PROVIDERS),
  /** Of this model alone, beside what holds for all models. */
  model: z.optional(z.string()),
  /** Calls. */
  rpm: amount,
  /** Tokens, input and output together. The output counts once the call is let in: nobody knows it before. */
  tpm: amount,
  /** Another window than a minute, for those who cannot wait. */
  windowMs: amount,
})
export type AccountLimit = z.infer<typeof AccountLimit>

/** What a limit has seen. */
export interface LimitState extends AccountLimit {
  /** Calls in the window that ends now. */
  calls: number
  /** Their tokens. */
  tokens: number
  /** Calls since it was set. */
  refused: number
}

/** What a limit is asked about. */
export interface ArrivingCall {
  provider: ProviderName
  model: string
  promptTokens: number
  startedAt: number
}

/** `count` adds the tokens of the answer. `waitMs`: when it could be let in; Infinity: never. */
export type Admission =
  | { isAllowed: true; count(tokens: number): void }
  | { isAllowed: false; waitMs: number }

/** The limits of all accounts; set again, one starts anew. */
export class Limits {
  #windows: Window[] = []

  set(limit: AccountLimit): void {
    const isOther = (window: Window) =>
      window.limit.provider !== limit.provider || window.limit.model !== limit.model
    this.#windows = [...this.#windows.filter(isOther), new Window(limit)]
  }

  clear(): void {
    this.#windows = []
  }

  list(now: number): LimitState[] {
    return this.#windows.map((window) => window.state(now))
  }

  /** Counts the call in all limits that hold for it, or in none. */
  admit(call: ArrivingCall): Admission {
    const windows = this.#of(call)
    const waits = windows.map((window) => window.waitMs(call))
    const waitMs = Math.max(0, ...waits)
    if (waitMs === 0) {
      const counters = windows.map((window) => window.add(call))
      const count = (tokens: number): void => {
        for (const counter of counters) counter(tokens)
      }
      return { isAllowed: true, count }
    }
    for (const [i, window] of windows.entries()) if (waits[i] !== 0) window.refused += 1
    return { isAllowed: false, waitMs }
  }

  /** What is left to the account, by the tightest of its limits. */
  left(call: ArrivingCall): Allowances {
    const lefts = this.#of(call).map((window) => window.left(call.startedAt))
    return {
      requests: tightest(lefts.map(({ requests }) => requests)),
      tokens: tightest(lefts.map(({ tokens }) => tokens)),
    }
  }

  #of({ provider, model }: ArrivingCall): Window[] {
    return this.#windows.filter(({ limit }) => {
      return limit.provider === provider && (limit.model === undefined || limit.model === model)
    })
  }
}

/** One limit and the calls that count in it, oldest first. */
class Window {
  readonly limit: AccountLimit
  refused = 0
  readonly #windowMs: number
  readonly #entries: { at: number; tokens: number }[] = []

  constructor(limit: AccountLimit) {
    this.limit = limit
    this.#windowMs = limit.windowMs ?? 60_000
  }

  waitMs({ startedAt: now, promptTokens }: ArrivingCall): number {
    this.#forget(now)
    const { rpm = Number.POSITIVE_INFINITY, tpm = Number.POSITIVE_INFINITY } = this.limit
    if (promptTokens > tpm) return Number.POSITIVE_INFINITY
    let excessCalls = this.#entries.length + 1 - rpm
    let excessTokens = this.#tokens() + promptTokens - tpm
    let waitMs = 0
    for (const entry of this.#entries) {
      if (excessCalls <= 0 && excessTokens <= 0) break
      waitMs = this.#untilGone(entry, now)
      excessCalls -= 1
      excessTokens -= entry.tokens
    }
    return waitMs
  }

  /** Returns what counts the tokens of the answer. */
  add({ startedAt, promptTokens }: ArrivingCall): (tokens: number) => void {
    const entry = { at: startedAt, tokens: promptTokens }
    this.#entries.push(entry)
    return (tokens) => {
      entry.tokens += tokens
    }
  }

  left(now: number): Allowances {
    this.#forget(now)
    const last = this.#entries.at(-1)
    const resetMs = last === undefined ? 0 : this.#untilGone(last, now)
    const allowance = (limit: number | undefined, used: number): Allowance | null =>
      limit === undefined ? null : { limit, remaining: Math.max(0, limit - used), resetMs }
    return {
      requests: allowance(this.limit.rpm, this.#entries.length),
      tokens: allowance(this.limit.tpm, this.#tokens()),
    }
  }

  state(now: number): LimitState {
    this.#forget(now)
    return { ...this.limit, calls: this.#entries.length, tokens: this.#tokens(), refused: this.refused }
  }

  #untilGone({ at }: { at: number }, now: number): number {
    return Math.max(1, at + this.#windowMs - now)
  }

  #forget(now: number): void {
    const kept = this.#entries.findIndex(({ at }) => at + this.#windowMs > now)
    this.#entries.splice(0, kept === -1 ? this.#entries.length : kept)
  }

  #tokens(): number {
    return this.#entries.reduce((sum, { tokens }) => sum + tokens, 0)
  }
}

function tightest(allowances: (Allowance | null)[]): Allowance | null {
  const share = ({ remaining, limit }: Allowance): number => remaining / limit
  const known = allowances.filter((allowance) => allowance !== null)
  return known.sort((a, b) => share(a) - share(b)).at(0) ?? null
}
