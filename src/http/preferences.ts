const TOKEN = "[!#$%&'*+.^_`|~A-Za-z0-9-]+"
const PREFERENCE = new RegExp(
  `^(${TOKEN})(?:[ \\t]*=[ \\t]*(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?[ \\t]*(?:;|$)`,
)
/** At commas that are not within quotes. */
const ITEM = /(?:[^",]|"(?:[^"\\]|\\.)*"?)+/g

/**
 * The preferences of a `Prefer` header (RFC 7240), by their names in small letters; without a value: "". Of one that is
 * given twice the first counts; what cannot be read is left out, for nobody has to honour a preference.
 */
export function readPreferences(header: string | undefined): Map<string, string> {
  const preferences = new Map<string, string>()
  for (const [item] of header?.matchAll(ITEM) ?? []) {
    const [, name, token, quoted] = PREFERENCE.exec(item.trim()) ?? []
    if (name === undefined || preferences.has(name.toLowerCase())) continue
    preferences.set(name.toLowerCase(), token ?? quoted?.replaceAll(/\\(.)/g, "$1") ?? "")
  }
  return preferences
}
