import type { LimitsChange } from "../core/limits.ts"
import type { Transport } from "./transport.ts"
import type { OrganizationWeight, Paused, ProviderDetails, RemovedCounts } from "./types.ts"

/**
 * What operators pull while the queue runs; all of it needs a key with `admin`. Each call may be repeated: what it
 * asks for is so afterwards, however often it was asked.
 */
export class LeversClient {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Nothing more is started, at any provider; what is in flight finishes. */
  pauseQueue(): Promise<Paused> {
    return this.#send("POST", "/v1/queue/pause")
  }

  resumeQueue(): Promise<Paused> {
    return this.#send("POST", "/v1/queue/resume")
  }

  /** Errors: `not_found` for a provider that is not configured. */
  pauseProvider(name: string): Promise<Paused> {
    return this.#send("POST", `${providerPath(name)}/pause`)
  }

  /** Also ends its block and closes its breaker: who resumes it has seen to its trouble. Errors: `not_found`. */
  resumeProvider(name: string): Promise<Paused> {
    return this.#send("POST", `${providerPath(name)}/resume`)
  }

  /** Absent members stay, null lifts a limit. Errors: `not_found`, `invalid_request`, `conflict` when others change them too. */
  setLimits(name: string, change: LimitsChange): Promise<ProviderDetails> {
    return this.#send("PATCH", providerPath(name), change)
  }

  /** An organization's share beside the others': 0.1 to 100, 1 unless set. */
  setWeight(organizationId: string, weight: number): Promise<OrganizationWeight> {
    return this.#send("PATCH", `/v1/organizations/${encodeURIComponent(organizationId)}`, { weight })
  }

  /**
   * Removes what is past its time to live, which the queue does by itself each hour; with `olderThanSeconds` also what
   * finished longer ago than that. Repeated after a lost answer it counts only what was left.
   */
  async cleanUp(options: { olderThanSeconds?: number } = {}): Promise<RemovedCounts> {
    return (await this.#send<{ removed: RemovedCounts }>("POST", "/v1/cleanup", options)).removed
  }

  async #send<Reply>(method: "POST" | "PATCH", path: string, body?: object): Promise<Reply> {
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    return (await this.#transport({ method, path, ...text, repeat: "always" })).value as Reply
  }
}

function providerPath(name: string): string {
  return `/v1/providers/${encodeURIComponent(name)}`
}
