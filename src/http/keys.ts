import { keyIdOf } from "../auth/authenticate.ts"
import type { StoredKey } from "../core/contracts/access.ts"
import { KeyBody, keyProblems } from "../core/contracts/keys.ts"
import { check, invalid } from "../core/contracts/problem.ts"
import { sha256Hex } from "../core/digest.ts"
import { AppError } from "../core/errors.ts"
import { auditEntry } from "./audit.ts"
import { readJson } from "./body.ts"
import type { App, AppContext } from "./context.ts"
import { naming } from "./enqueue.ts"
import { resource, servicesOf } from "./resource.ts"
import { MAX_SMALL_BYTES } from "./sizes.ts"

const KEY_BYTES = 32

/** Issued API keys: told once, kept as digests. */
export function mountKeys(app: App): void {
  resource(app, "/v1/keys", {
    POST: { scope: "admin", handle: issueKey },
    GET: { scope: "admin", handle: listKeys },
  })
  resource(app, "/v1/keys/:keyId", { DELETE: { scope: "admin", handle: revokeKey } })
}

async function issueKey(c: AppContext): Promise<Response> {
  const { access, clock } = servicesOf(c)
  const { value } = await readJson(c, MAX_SMALL_BYTES)
  const read = check(KeyBody, value)
  const problems = [...read.problems, ...keyProblems(value, clock())]
  if (read.value === null || problems.length > 0) throw invalid("The body", problems)

  const key = `aiq_${base64url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)))}`
  const sha256 = await sha256Hex(key)
  const {
    name,
    organizationId,
    scopes,
    expiresAt = null,
    maxPriority = null,
    ratePerMinute = null,
  } = read.value
  const stored: StoredKey = {
    keyId: keyIdOf(sha256),
    ...{ name, organizationId, scopes: [...new Set(scopes)], sha256 },
    createdAt: clock(),
    ...{ expiresAt, maxPriority, ratePerMinute },
  }
  const { keyId, ...shown } = present(stored)
  // Whoever gets no answer has no key, but must be able to find what may be kept of it, and to revoke it.
  await naming({ keyId }, () => access.issueKey(stored, auditEntry(c, "key.issued", keyId)))
  return c.json({ keyId, key, ...shown }, 201)
}

async function listKeys(c: AppContext): Promise<Response> {
  const keys = await servicesOf(c).access.listKeys()
  return c.json({ data: keys.map(present) })
}

async function revokeKey(c: AppContext): Promise<Response> {
  const keyId = c.req.param("keyId") ?? ""
  const revoked = await servicesOf(c).access.revokeKey(keyId, auditEntry(c, "key.revoked", keyId))
  if (!revoked) throw new AppError("not_found", "No such key is known.")
  return c.body(null, 204)
}

function present({ sha256: _, ...shown }: StoredKey): Omit<StoredKey, "sha256"> {
  return shown
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "")
}
