/** Deeper, and whoever serializes it runs out of stack. */
export const MAX_JSON_DEPTH = 200

/** Whether JSON is nested deeper than so many levels; without recursion, for whoever recurses runs out of stack. */
export function isDeeperThan(depth: number, value: unknown): boolean {
  let level: unknown[] = [value]
  for (let i = 0; i <= depth; i++) {
    level = level.filter(isContainer).flatMap((each) => Object.values(each))
    if (level.length === 0) return false
  }
  return true
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null
}
