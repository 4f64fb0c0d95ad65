import type { AuditEntry } from "../core/audit.ts"
import type { LimitsChange, ProviderLimits } from "../core/limits.ts"
import type { ProviderDetails } from "./figures-contract.ts"

/** What operators pull while the queue runs. */
export interface QueueLevers {
  /**
   * `name`: a provider, or null for the whole queue. Resuming a provider also ends its block and closes its breaker:
   * who resumes it has seen to its trouble. One round trip, two with an audit entry.
   */
  setPaused(name: string | null, paused: boolean, audit?: AuditEntry): Promise<void>
  /** The configured providers, with their limits in force. One round trip. */
  providers(): Promise<ProviderDetails[]>
  /** Changes a provider's limits for every process, until they are changed again. Two round trips, three with an audit entry. */
  setLimits(provider: string, change: LimitsChange, audit?: AuditEntry): Promise<ProviderLimits>
  /** An organization's share beside the others', 1 unless set. One round trip, two with an audit entry. */
  setWeight(organizationId: string, weight: number, audit?: AuditEntry): Promise<void>
}
