import type { Clock } from "../core/clock.ts"
import type { StoredKey } from "../core/contracts/access.ts"
import { sha256Hex } from "../core/digest.ts"
import { isSame } from "./digest.ts"
import { BOOTSTRAP, type Principal } from "./principal.ts"

export type Authenticate = (authorization: string | undefined) => Promise<Principal | null>

/** A revoked key stops working within 30 s everywhere. */
const CACHE_MS = 20_000
/** Also keys that are not known are remembered: guessing must not load the store, nor fill the memory. */
const MAX_CACHED = 5000
const ISSUED_KEY = /^aiq_[A-Za-z0-9_-]{43}$/

/** An issued key's id is the beginning of its digest, so that the store finds it and nobody can go back from it. */
export function keyIdOf(sha256: string): string {
  return `key_${sha256.slice(0, 16)}`
}

/**
 * Knows the bootstrap key and, through the store, issued ones. The result is null for a header that is missing,
 * malformed or holds a key that is unknown, revoked or expired. Digests are compared, in constant time.
 */
export function createAuthenticate(
  adminApiKey: string,
  access: { findKey(keyId: string): Promise<StoredKey | null> },
  clock: Clock,
): Authenticate {
  // The text, not its promise: a Worker's invocations may not share one.
  let adminDigest: string | undefined
  const cache = new Map<string, { key: StoredKey | null; readAt: number }>()
  // Of keys that were good. What a key may do now is asked each time.
  const digests = new Map<string, string>()

  async function find(keyId: string): Promise<StoredKey | null> {
    const cached = cache.get(keyId)
    if (cached !== undefined && clock() - cached.readAt < CACHE_MS) return cached.key
    const key = await access.findKey(keyId)
    if (cache.size >= MAX_CACHED) cache.clear()
    cache.set(keyId, { key, readAt: clock() })
    return key
  }

  async function principalOf(presented: string, digest: string): Promise<Principal | null> {
    adminDigest ??= await sha256Hex(adminApiKey)
    if (isSame(digest, adminDigest)) return BOOTSTRAP
    if (!ISSUED_KEY.test(presented)) return null
    const key = await find(keyIdOf(digest))
    if (key === null || !isSame(digest, key.sha256)) return null
    if (key.expiresAt !== null && key.expiresAt <= clock()) return null
    const { keyId, organizationId, scopes, maxPriority, ratePerMinute } = key
    return { keyId, organizationId, scopes, maxPriority, ratePerMinute }
  }

  return async (authorization) => {
    const presented = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1]
    if (presented === undefined) return null
    const digest = digests.get(presented) ?? (await sha256Hex(presented))
    const principal = await principalOf(presented, digest)
    if (principal !== null && digests.size < MAX_CACHED) digests.set(presented, digest)
    return principal
  }
}
