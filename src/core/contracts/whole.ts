import * as z from "zod/mini"

/** A whole number in a range. One check of ours: zod's for integers knows six formats, half a kilobyte of them. */
export function whole(least: number, most: number) {
  const isInRange = (value: number) => Number.isInteger(value) && value >= least && value <= most
  return z.number().check(z.refine(isInRange, { error: `must be a whole number from ${least} to ${most}` }))
}
