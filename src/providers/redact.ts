const MAX_CHARS = 500

const SECRETS: [RegExp, string][] = [
  [/\bBearer\s+\S+/gi, "Bearer [redacted]"],
  [/\b(?:sk|pk|rk|gsk|xai|aiq|org|proj)[-_][\w*.-]{6,}/gi, "[redacted]"],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, "[redacted]"],
  // Anything long with a digit in it is more likely a token than a word; error codes have no digits.
  [/(?=[\w+/=-]*\d)[\w+/=-]{32,}/g, "[redacted]"],
]

/** A vendor's words made fit to be kept and shown: no keys, tokens or addresses, at most 500 characters. */
export function redact(text: string): string {
  // Cut before matching: a vendor may echo a megabyte of prompt, and half a key is still a key.
  let clean = text
    .slice(0, 4 * MAX_CHARS)
    .replace(/\s+/g, " ")
    .trim()
  for (const [pattern, replacement] of SECRETS) clean = clean.replace(pattern, replacement)
  return clean.length > MAX_CHARS ? `${clean.slice(0, MAX_CHARS - 1)}…` : clean
}
