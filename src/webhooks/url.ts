/** What people may see of a receiver: a query often holds a token. */
export function showUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

/** Stands for a URL in a key: SHA-256, hex. */
export async function hashUrl(url: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(url))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")
}
