/** What an answer was, whatever it was. */
export interface Answer {
  status: number
  body: Record<string, unknown>
}

interface CallOptions {
  body?: unknown
  idempotencyKey?: string
  apiKey?: string
}

export type Call = (method: string, path: string, options?: CallOptions) => Promise<Answer>

/** The HTTP API, with every answer told as it came. */
export function createCall(url: string, adminKey: string): Call {
  return async (method, path, { body, idempotencyKey, apiKey = adminKey } = {}) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
}
