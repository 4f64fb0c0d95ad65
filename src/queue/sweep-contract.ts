import type { AuditEntry } from "../core/audit.ts"
import type { RequestFilter } from "../core/request-filter.ts"
import type { SweepPage, SweepVerb } from "../core/sweep.ts"

export interface SweepOptions {
  verb: SweepVerb
  filter: RequestFilter
  /** It acts on no more, 1 to 200. A dry run acts on none, and looks at as many as it can. */
  limit: number
  dryRun: boolean
  /** `nextCursor` of the page before, of the same verb and filter. */
  cursor: string | null
  /** Noted once for the page, with how many it acts on before `target`. */
  audit?: AuditEntry
}

/** A page of a sweep, and what is to be told of it. */
export interface Swept extends SweepPage {
  /** Calls of cancelled requests. */
  aborts: { owner: string; requestId: string; attempt: number }[]
  /** Somebody is to be told. */
  choresDue: boolean
}
