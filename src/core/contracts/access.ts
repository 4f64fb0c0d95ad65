import type { Priority } from "../request.ts"

/** What a key may do. `enqueue`: post, bulk, replay; `read`: requests and statistics. */
export const SCOPES = ["enqueue", "read", "cancel", "admin"] as const
export type Scope = (typeof SCOPES)[number]

export const ORGANIZATION_ID = /^[A-Za-z0-9._-]{1,64}$/
export const ORGANIZATION_ID_RULE = "must be 1 to 64 letters, digits, dots, dashes or underscores"

/** An issued API key. The key itself is never stored. */
export interface StoredKey {
  keyId: string
  name: string
  /** One tenant's, or `*` for every organization. */
  organizationId: string
  scopes: Scope[]
  /** Of the whole key, hex. */
  sha256: string
  createdAt: number
  expiresAt: number | null
  maxPriority: Priority | null
  ratePerMinute: number | null
}
