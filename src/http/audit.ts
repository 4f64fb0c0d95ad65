import type { AuditEntry } from "../core/audit.ts"
import type { Clock } from "../core/clock.ts"
import { AuditQuery } from "../core/contracts/parameters.ts"
import type { AccessStore } from "../queue/access-contract.ts"
import type { App, AppContext } from "./context.ts"
import { readQuery } from "./query.ts"
import { afterAnswer, resource, servicesOf } from "./resource.ts"

/** Refusals noted per isolate and minute: enough to see an attack, too few to be one. */
const REFUSALS_PER_MINUTE = 10
const MINUTE_MS = 60_000
/** Also who is refused is noted, and may have asked for a path of 64 kB: ten thousand of those would fill the store. */
const MAX_TARGET_CHARS = 200
const MAX_IP_CHARS = 45

export function mountAudit(app: App): void {
  resource(app, "/v1/audit", { GET: { scope: "admin", handle: listAudit } })
}

async function listAudit(c: AppContext): Promise<Response> {
  const { limit, cursor = null } = readQuery(c, AuditQuery)
  return c.json(await servicesOf(c).access.listAudit(limit, cursor))
}

/** Who is doing this, from where. */
export function auditEntry(c: AppContext, action: string, target: string | null): AuditEntry {
  const { keyId, organizationId } = c.get("principal")
  return { ...entry(c, servicesOf(c).clock(), action, target), keyId, organizationId }
}

function entry(c: AppContext, at: number, action: string, target: string | null): AuditEntry {
  const ip = c.req.header("CF-Connecting-IP")?.slice(0, MAX_IP_CHARS) ?? null
  return {
    at,
    action,
    keyId: null,
    organizationId: null,
    target: target?.slice(0, MAX_TARGET_CHARS) ?? null,
    ip,
  }
}

export interface Auditor {
  /** Notes a refused authentication after the answer, at a bounded rate. */
  noteRefusal(c: AppContext): void
}

export function createAuditor(access: Pick<AccessStore, "audit">, clock: Clock): Auditor {
  let minute = 0
  let noted = 0
  return {
    noteRefusal(c) {
      const now = clock()
      if (Math.floor(now / MINUTE_MS) !== minute) {
        minute = Math.floor(now / MINUTE_MS)
        noted = 0
      }
      if (++noted > REFUSALS_PER_MINUTE) return
      // A store that is away is told by every other call.
      const written = access.audit(entry(c, now, "auth.refused", c.req.path)).catch(() => undefined)
      afterAnswer(c, written)
    },
  }
}
