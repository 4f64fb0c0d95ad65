import { AppError } from "./errors.ts"

/** Throws `invalid_request` for what JSON cannot hold. `what` names it, such as "The request". */
export function writeJson(value: unknown, what: string): string {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    throw new AppError("invalid_request", `${what} cannot be written as JSON.`, { cause })
  }
}
