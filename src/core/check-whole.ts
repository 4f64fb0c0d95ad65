import { AppError } from "./errors.ts"

/** Throws `invalid_request` unless `value` is a whole number from 1 to `most`. */
export function checkWhole(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return
  throw new AppError("invalid_request", `${name} must be a whole number from 1 to ${most}.`)
}
