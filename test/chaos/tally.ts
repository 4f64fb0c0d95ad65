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

type CountedFault = Omit<FaultRow, "lost" | "doubled"> & Partial<FaultRow>

/**
 * Notes what a test counted, for the report that `npm run chaos` writes. `lost` and `doubled` are 0 unless given: the test
 * has asserted it.
 */
export function recordFault(counted: CountedFault): void {
  const file = process.env.CHAOS_REPORT
  const row: FaultRow = { lost: 0, doubled: 0, ...counted }
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`)
}
