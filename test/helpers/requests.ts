import type { RequestStatus } from "../../src/core/outcome.ts"
import { documentedFetch } from "./documented.ts"
import { eventually } from "./eventually.ts"
import { ADMIN_KEY } from "./stack.ts"

export type NewChat = { provider: string; model: string; messages: unknown[] } & Record<string, unknown>

/** A request that is as small as the contract allows, with a text to know it by. */
export function chat(provider: string, text: string, more: Record<string, unknown> = {}): NewChat {
  const messages = [{ role: "user", content: text }]
  return { provider, model: "a-model", organizationId: "e2e", messages, ...more }
}

/** The HTTP API as a caller sees it. */
export function createApi(url: string) {
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" }

  /** The parsed answer; rejects unless it has one of these statuses. */
  async function call<T>(
    method: string,
    path: string,
    statuses: number | number[],
    body?: unknown,
  ): Promise<T> {
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await documentedFetch(url + path, { method, headers, ...text })
    const answered = await answer.text()
    if (![statuses].flat().includes(answer.status)) {
      throw new Error(`${method} ${path}: ${answer.status} ${answered}`)
    }
    return JSON.parse(answered) as T
  }

  const enqueue = async (request: NewChat): Promise<string> =>
    (await call<{ requestId: string }>("POST", "/v1/requests", 202, request)).requestId
  /** For a store that loses answers: a 503 names the request that may have been stored. */
  const enqueueOrMaybe = async (request: NewChat): Promise<string> =>
    (await call<{ requestId: string }>("POST", "/v1/requests", [202, 503], request)).requestId
  const enqueueBulk = async (requests: NewChat[]): Promise<string[]> => {
    const answer = await call<{ requests: { requestId: string }[] }>("POST", "/v1/requests/bulk", 202, {
      requests,
    })
    return answer.requests.map((each) => each.requestId)
  }
  const status = (requestId: string) => call<RequestStatus>("GET", `/v1/requests/${requestId}`, 200)
  const counts = async () =>
    (await call<{ counts: Record<RequestStatus["state"], number> }>("GET", "/v1/stats", 200)).counts

  /** The requests, once all are completed. */
  const completed = (requestIds: string[], withinMs = 30_000): Promise<RequestStatus[]> =>
    eventually(
      async () => {
        const all = await Promise.all(requestIds.map(status))
        const open = all.filter((request) => request.state !== "completed")
        if (open.length > 0) throw new Error(`not completed: ${JSON.stringify(open.slice(0, 3))}`)
        return all
      },
      { withinMs, everyMs: 200 },
    )

  return { call, enqueue, enqueueOrMaybe, enqueueBulk, status, counts, completed }
}
