/** `npm run chaos` sets it; `npm test` runs the same suites with less effort. */
export const isFull = process.env.CHAOS === "full"

/** How often to try, how many to send, how long to go on. */
export function effort(bounded: number, full: number): number {
  return isFull ? full : bounded
}
