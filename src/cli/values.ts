import { InvalidArgumentError } from "commander"

// How options are read from their text. Each throws what the parser shows beside the option's name.

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `500ms`, `90s`, `10m`, `2h`, `30d`; in ms. */
export function readDuration(text: string): number {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const ms = Math.round(Number(amount) * (UNITS_MS[unit] ?? Number.NaN))
  if (amount === "" || !Number.isSafeInteger(ms)) {
    throw new InvalidArgumentError("Give a number with a unit, such as 500ms, 90s, 10m, 2h or 30d.")
  }
  return ms
}

export function readCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Give a whole number.")
  return Number(text)
}

/** `name=value`, as often as it is given. */
export function readPair(text: string, earlier: Record<string, string> = {}): Record<string, string> {
  const [name, value] = splitAt(text, "=", "Give name=value.")
  return { ...earlier, [name]: value }
}

/** The same, where a value that is JSON is taken as such: `temperature=0.2`, `stop=["\n"]`. */
export function readJsonPair(text: string, earlier: Record<string, unknown> = {}): Record<string, unknown> {
  const [name, value] = splitAt(text, "=", "Give name=value.")
  try {
    return { ...earlier, [name]: JSON.parse(value) }
  } catch {
    return { ...earlier, [name]: value }
  }
}

/** `provider/model`, as often as it is given. */
export function readTarget(
  text: string,
  earlier: { provider: string; model: string }[] = [],
): { provider: string; model: string }[] {
  const [provider, model] = splitAt(text, "/", "Give provider/model.")
  return [...earlier, { provider, model }]
}

export function readIdempotencyKey(text: string): string {
  if (!/^[\x21-\x7e]{1,240}$/.test(text)) {
    throw new InvalidArgumentError("Give 1 to 240 printable ASCII characters without spaces.")
  }
  return text
}

function splitAt(text: string, separator: string, advice: string): [string, string] {
  const at = text.indexOf(separator)
  if (at < 1) throw new InvalidArgumentError(advice)
  return [text.slice(0, at), text.slice(at + 1)]
}
