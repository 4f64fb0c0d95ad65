import { recordFault } from "../tally.ts"

/** `seen`: what the Worker answered. */
export function recordInput(fault: string, tried: number, seen: string): void {
  recordFault({ table: "input", fault, tried, seen })
}
