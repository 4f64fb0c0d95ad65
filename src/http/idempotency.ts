import type { RequestRead } from "../core/contracts/new-request.ts"
import { sha256Hex } from "../core/digest.ts"
import { AppError } from "../core/errors.ts"
import type { Idempotency } from "../queue/contract.ts"
import type { AppContext } from "./context.ts"

const MAX_KEY_LENGTH = 255

/** null when there is none. Throws `invalid_request` for one of a wrong length. */
export function readIdempotencyKey(c: AppContext): string | null {
  const key = c.req.header("Idempotency-Key")
  return key === undefined ? null : checkIdempotencyKey(key)
}

export function checkIdempotencyKey(key: string): string {
  if (key.length < 1 || key.length > MAX_KEY_LENGTH) {
    throw new AppError("invalid_request", `Idempotency-Key must have 1 to ${MAX_KEY_LENGTH} characters.`)
  }
  return key
}

/** Of a caller's key on this route; null: there is none. */
export async function hashIdempotencyKey(c: AppContext): Promise<string | null> {
  const key = readIdempotencyKey(c)
  return key === null ? null : sha256Hex(`${c.req.path}\n${key}`)
}

/** The same call is one with the same body, whatever the order of its members. */
export async function identifyBody(
  c: AppContext,
  organizationId: string,
  body: unknown,
): Promise<Idempotency | null> {
  const keyHash = await hashIdempotencyKey(c)
  return keyHash === null ? null : { organizationId, keyHash, bodyHash: await sha256Hex(canonicalJson(body)) }
}

/**
 * What makes two calls the same: route and key, and the body after parsing and defaults, whatever the order of its
 * members. What each call gets anew (ids, times) is left out, and so are no fallbacks and no callback: keys from before there were any
 * keep their meaning.
 */
export async function identify(route: string, key: string, requests: RequestRead[]): Promise<Idempotency> {
  const organizations = new Set(requests.map(({ head }) => head.organizationId))
  const [only = "*"] = organizations
  const asked = requests.map(({ head, body, asked }) => {
    const {
      requestId: _,
      createdAt: _createdAt,
      scheduledAt: _scheduledAt,
      simulated: _simulated,
      batchId: _batchId,
      callback,
      ...fields
    } = head
    const fallbacks = head.fallbacks.length > 0 ? head.fallbacks : undefined
    return { ...fields, fallbacks, callback: callback ?? undefined, ...body, ...asked }
  })
  return {
    organizationId: organizations.size === 1 ? only : "*",
    keyHash: await sha256Hex(`${route}\n${key}`),
    bodyHash: await sha256Hex(canonicalJson(asked)),
  }
}

/** JSON with the members of each object in order of their names. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}
