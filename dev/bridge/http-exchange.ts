import type { IncomingMessage, ServerResponse } from "node:http"

export interface Answer {
  status: number
  body: string
}

/** The body, or its size alone when it is over the limit (what is over is read and dropped). */
export async function readBody(
  request: IncomingMessage,
  limit: number,
): Promise<{ body: Buffer; tooLarge: null } | { body: null; tooLarge: number }> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
    else chunks.length = 0
  }
  if (size > limit) return { body: null, tooLarge: size }
  const [only] = chunks
  return { body: chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks), tooLarge: null }
}

export function json(status: number, value: unknown): Answer {
  return { status, body: JSON.stringify(value) }
}

export function failure(status: number, error: string): Answer {
  return json(status, { error })
}

export function send(response: ServerResponse, answer: Answer, headers: Record<string, string> = {}): void {
  const body = Buffer.from(answer.body)
  response.writeHead(answer.status, {
    "Content-Type": "application/json",
    "Content-Length": body.length,
    ...headers,
  })
  response.end(body)
}
