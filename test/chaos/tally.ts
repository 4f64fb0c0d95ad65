import { appendFileSync } from "node:fs"

/** A row of the tables in docs/reliability.md. */
export interface FaultRow {
  /** One of the tables: "model", "rest", "processes", "providers", "input". */
  table: string
  fault: string
  /** How often it was brought about. */
  tried: number
  /** Accepted requests without an outcome. */
  lost: number
  /** Requests with two outcomes, or calls that were paid twice without need. */
  doubled: number
  /** What callers got instead: "503 store_unavailable, repeated safely". */
  seen: string
}

/** Notes what a test counted, for the report that `npm run chaos` writes. The test itself asserts that nothing is lost or doubled. */
export function recordFault(row: FaultRow): void {
  const file = process.env.CHAOS_REPORT
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`)
}
