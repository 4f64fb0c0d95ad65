import type { IncomingMessage } from "node:http"

/** As the vendors' gateways have it. */
const MAX_BODY_BYTES = 32 * 1024 * 1024
const CREDENTIALS = ["authorization", "x-api-key", "cookie"]

/** null: larger than any vendor accepts; the rest of it is read and dropped. */
export async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return bytes > MAX_BODY_BYTES ? null : Buffer.concat(chunks).toString()
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What was sent, fit to be kept. */
export function headersWithoutCredentials(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (!CREDENTIALS.includes(name)) headers[name] = String(value)
  }
  return headers
}

export function sendsKey(request: IncomingMessage): boolean {
  return request.headers.authorization !== undefined || request.headers["x-api-key"] !== undefined
}
