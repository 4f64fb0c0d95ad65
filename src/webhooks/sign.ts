const PREFIX = "whsec_"
const SECRET_BYTES = 32

/** As Standard Webhooks writes them: `whsec_` and base64. */
export function newSecret(): string {
  return PREFIX + toBase64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)))
}

/**
 * The headers of a Standard Webhooks call: https://www.standardwebhooks.com. One signature per secret, newest first, so that
 * a receiver which knows any of them can verify. `at`: epoch ms, of this try.
 */
export async function signedHeaders(
  webhookId: string,
  at: number,
  body: string,
  secrets: string[],
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1000))
  const content = new TextEncoder().encode(`${webhookId}.${timestamp}.${body}`)
  const signatures = await Promise.all(secrets.map((secret) => sign(secret, content)))
  return {
    "webhook-id": webhookId,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.map((signature) => `v1,${signature}`).join(" "),
  }
}

async function sign(secret: string, content: Uint8Array): Promise<string> {
  const bytes = Uint8Array.from(atob(secret.slice(PREFIX.length)), (char) => char.charCodeAt(0))
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"])
  return toBase64(new Uint8Array(await crypto.subtle.sign("HMAC", key, content)))
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
