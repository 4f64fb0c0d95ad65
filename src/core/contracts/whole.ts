import * as z from "zod/mini"

/**
 * A whole number in a range. One check of ours: zod's for integers knows six formats, half a kilobyte of them. `params`, here
 * and in other checks of ours: what they mean in JSON Schema, for the OpenAPI document.
 */
export function whole(minimum: number, maximum: number) {
  const isInRange = (value: number) => Number.isInteger(value) && value >= minimum && value <= maximum
  const error = `must be a whole number from ${minimum} to ${maximum}`
  const params = { type: "integer", minimum, maximum }
  return z.number().check(z.refine(isInRange, { error, params }))
}
