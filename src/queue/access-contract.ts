import type { AuditEntry } from "../core/audit.ts"
import type { StoredKey } from "../core/contracts/access.ts"

/** API keys, rates and the audit. Every method is one round trip. */
export interface AccessStore {
  issueKey(key: StoredKey, audit: AuditEntry): Promise<void>
  findKey(keyId: string): Promise<StoredKey | null>
  /** Newest first. */
  listKeys(): Promise<StoredKey[]>
  /** False when there was none. Two round trips. */
  revokeKey(keyId: string, audit: AuditEntry): Promise<boolean>
  /** How many of the `wanted` calls a key may make in the minute of `at`; they count as made. */
  takeRate(
    keyId: string,
    at: number,
    wanted: number,
    perMinute: number,
  ): Promise<{ granted: number /** In that minute, everywhere. */; used: number }>
  audit(entry: AuditEntry): Promise<void>
  /** Newest first. */
  listAudit(limit: number, cursor: string | null): Promise<{ data: AuditEntry[]; nextCursor: string | null }>
}
