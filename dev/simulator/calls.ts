import { PROVIDERS, type ProviderName } from "./wire-format.ts"

/** One call as the simulator saw it. Times are epoch ms. */
export interface CallRecord {
  /** From 1, in order of arrival. */
  number: number
  provider: ProviderName
  /** Empty until the body was read. */
  model: string
  /** The beginning of the last user message, without directives. */
  tag: string
  stream: boolean
  startedAt: number
  endedAt: number | null
  /** null while it runs. `aborted`: the client left; `error`: anything but a whole answer was sent. */
  result: "completed" | "aborted" | "error" | null
  status: number | null
  requestId: string
  /** Input and output together; null until there is an answer. */
  tokens: number | null
  /** A key was sent. Never which. */
  authorized: boolean
}

/** What was sent, without its credentials. */
export interface RecordedBody {
  number: number
  headers: Record<string, string>
  body: unknown
}

/** More than any test or benchmark looks at; about 20 MB. */
const MAX_CALLS = 20_000
const MAX_BODIES = 200

const perProvider = (): Record<ProviderName, number> => ({ openai: 0, anthropic: 0, deepseek: 0 })

/** Bounded memory of what was called. */
export class CallLog {
  readonly inFlight = perProvider()
  readonly maxInFlight = perProvider()
  #calls: CallRecord[] = []
  #bodies: RecordedBody[] = []
  #total = 0

  get total(): number {
    return this.#total
  }

  start(provider: ProviderName, authorized: boolean): CallRecord {
    this.#total += 1
    const call: CallRecord = {
      number: this.#total,
      provider,
      model: "",
      tag: "",
      stream: false,
      startedAt: Date.now(),
      endedAt: null,
      result: null,
      status: null,
      tokens: null,
      requestId: `req_sim_${provider}_${this.#total}`,
      authorized,
    }
    this.#calls.push(call)
    // Trimmed by a tenth at a time: one splice per call would copy the whole list.
    if (this.#calls.length > MAX_CALLS * 1.1) this.#calls.splice(0, this.#calls.length - MAX_CALLS)
    this.inFlight[provider] += 1
    this.maxInFlight[provider] = Math.max(this.maxInFlight[provider], this.inFlight[provider])
    return call
  }

  keepBody(recorded: RecordedBody): void {
    this.#bodies.push(recorded)
    if (this.#bodies.length > MAX_BODIES) this.#bodies.shift()
  }

  end(call: CallRecord, result: Exclude<CallRecord["result"], null>): void {
    if (call.endedAt !== null) return
    call.endedAt = Date.now()
    call.result ??= result
    this.inFlight[call.provider] -= 1
  }

  /** Oldest first. */
  list(): CallRecord[] {
    return this.#calls.slice(-MAX_CALLS)
  }

  /** Oldest first; the last few hundred only. */
  bodies(): RecordedBody[] {
    return [...this.#bodies]
  }

  /** Forgets what is over; calls in flight keep counting, and numbers go on. */
  clear(): void {
    this.#calls = this.#calls.filter((call) => call.endedAt === null)
    this.#bodies = []
    for (const provider of PROVIDERS) this.maxInFlight[provider] = this.inFlight[provider]
  }
}
