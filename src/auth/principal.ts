import { SCOPES, type Scope } from "../core/contracts/access.ts"
import { AppError } from "../core/errors.ts"
import { PRIORITIES, type Priority } from "../core/request.ts"

/** Who is calling, and what they may do. */
export interface Principal {
  keyId: string
  /** One tenant's, or `*` for every organization. */
  organizationId: string
  scopes: readonly Scope[]
  /** The most urgent priority it may ask for; null: any. */
  maxPriority: Priority | null
  /** Calls a minute; null: no limit. */
  ratePerMinute: number | null
}

/** Whoever holds `ADMIN_API_KEY`. */
export const BOOTSTRAP: Principal = {
  keyId: "bootstrap",
  organizationId: "*",
  scopes: SCOPES,
  maxPriority: null,
  ratePerMinute: null,
}

/** Throws `forbidden` without the scope. */
export function requireScope(principal: Principal, scope: Scope): void {
  if (!principal.scopes.includes(scope)) {
    throw new AppError("forbidden", `This needs a key with the scope "${scope}".`)
  }
}

/** Throws `forbidden` for another's organization. */
export function requireOrganization(principal: Principal, organizationId: string): void {
  if (principal.organizationId !== "*" && principal.organizationId !== organizationId) {
    throw new AppError("forbidden", "This key belongs to another organization.")
  }
}

/** Throws `forbidden` for a tenant. */
export function requireEveryOrganization(principal: Principal): void {
  if (tenantOf(principal) !== null) {
    throw new AppError("forbidden", "This concerns all organizations: it needs a key for all of them.")
  }
}

/** Throws `forbidden` for a priority that is more urgent than the key may ask for. */
export function requirePriority({ maxPriority }: Principal, priority: Priority): void {
  if (maxPriority !== null && PRIORITIES.indexOf(priority) < PRIORITIES.indexOf(maxPriority)) {
    throw new AppError("forbidden", `This key may ask for the priority "${maxPriority}" at most.`)
  }
}

/** The one organization that the caller may see, as the queue takes it; null: all. */
export function tenantOf({ organizationId }: Principal): string | null {
  return organizationId === "*" ? null : organizationId
}

/** Whether it may see what concerns the whole queue. */
export function isOperator({ organizationId, scopes }: Principal): boolean {
  return organizationId === "*" && scopes.includes("admin")
}
