import * as z from "zod/mini"

/** A length by characters as people count them, not by UTF-16 units. */
export function characters(least: number, most: number) {
  return z.refine<string>(
    (text) =>
      text.length >= least && (text.length <= most || (text.length <= 2 * most && [...text].length <= most)),
    {
      error: `must have ${least === 0 ? `at most ${most}` : `${least} to ${most}`} characters`,
      params: { minLength: least, maxLength: most },
    },
  )
}
