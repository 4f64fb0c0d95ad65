/** Who did what, to which id, from where. Never a prompt or a key. */
export interface AuditEntry {
  at: number
  /** Such as `key.issued`, `request.cancelled`, `queue.paused`, `auth.refused`. */
  action: string
  /** The key's id; null when there was none. */
  keyId: string | null
  organizationId: string | null
  /** What it was done to: a request, a key, a provider. */
  target: string | null
  ip: string | null
}
