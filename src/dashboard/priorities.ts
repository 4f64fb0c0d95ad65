import type { Priority } from "../client/client.ts"

/** The most urgent first. */
export const PRIORITIES: readonly Priority[] = ["critical", "high", "normal", "low"]
