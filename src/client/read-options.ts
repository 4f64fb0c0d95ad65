const MAX_KEY_LENGTH = 240

/** The idempotency key that was given, or a random one. Shorter than the API takes, for those of a bulk's parts. */
export function readKey({ idempotencyKey }: { idempotencyKey?: string }): string {
  return idempotencyKey === undefined
    ? randomKey()
    : readHeader("idempotencyKey", idempotencyKey, MAX_KEY_LENGTH)
}

/** `crypto.randomUUID` is missing in pages that came over plain HTTP. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("")
}

/** Refused here, since `fetch` would put it into the text of its error. */
export function readHeader(name: string, value: string, maxLength = 4096): string {
  if (value.length > maxLength || !/^[\x21-\x7e]+$/.test(value)) {
    throw new TypeError(`${name} must be 1 to ${maxLength} printable ASCII characters without spaces`)
  }
  return value
}

const NO_URL = { protocol: "", username: "", search: "", hash: "" }

export function readUrl(url: string): string {
  const { protocol, username, search, hash } = URL.canParse(url) ? new URL(url) : NO_URL
  if (!/^https?:$/.test(protocol) || username + search + hash !== "") {
    throw new TypeError("url must be like https://queue.example.com, without user, query and fragment")
  }
  return url.replace(/\/+$/, "")
}
