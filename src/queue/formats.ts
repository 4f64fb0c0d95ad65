import { AppError } from "../core/errors.ts"

/** Of stored data in another format than this version's: `found` names what it is and its format, `record 4`. */
export function unreadable(found: string): AppError {
  return new AppError(
    "store_unavailable",
    `The queue holds data in a format that this version cannot read (${found}): deploy the version that wrote it, or a newer one.`,
  )
}
