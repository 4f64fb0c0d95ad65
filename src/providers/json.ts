/** Reading JSON that someone else wrote. */
export type Fields = Record<string, unknown>

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** The members of what should be an object; none when it is not. */
export function fieldsOf(value: unknown): Fields {
  return isObject(value) ? value : {}
}

/** A text that says something, else what is known already. */
export function textOr(known: string, value: unknown): string {
  return typeof value === "string" && value !== "" ? value : known
}

/** null for what is no JSON, such as a proxy's page. */
export function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
