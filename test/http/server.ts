import type { Principal } from "../../src/auth/principal.ts"
import { compose } from "../../src/compose.ts"
import { createApp } from "../../src/http/app.ts"
import type { Services } from "../../src/http/context.ts"
import { documented } from "../helpers/documented.ts"
import type { TestStore } from "../helpers/store.ts"

export const ADMIN_KEY = "an-admin-key-for-the-tests"

export type Call = (
  method: string,
  path: string,
  body?: unknown,
  key?: string,
  idempotencyKey?: string,
) => Promise<Answer>

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it.
  body: any
}

/** The services as the Worker composes them, on this store and a queue of their own. */
export function composeServices(store: TestStore, queueName: string): Services {
  const { services } = compose({
    ADMIN_API_KEY: ADMIN_KEY,
    QUEUE_NAME: queueName,
    UPSTASH_REDIS_REST_URL: store.url,
    UPSTASH_REDIS_REST_TOKEN: store.token,
    OPENAI_BASE_URL: "http://127.0.0.1:1/v1",
  })
  if (services === null) throw new Error("the settings are bad")
  return services
}

/** Calls the API in this process. */
export function createCall(services: Services): Call {
  const app = createApp(() => ({ services, problems: [] }))
  return async (method, path, body, key = ADMIN_KEY, idempotencyKey = undefined) => {
    const response = await app.request(path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    await documented({ method, path, body }, response)
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) }
  }
}

/** Services that know these callers by their keys. */
export function withPrincipals(services: Services, principals: Record<string, Principal>): Services {
  return {
    ...services,
    authenticate: async (authorization) => principals[authorization?.replace("Bearer ", "") ?? ""] ?? null,
  }
}

export function requestBody(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const messages = [{ role: "user", content: "Say hello." }]
  return { provider: "openai", model: "gpt-5", messages, organizationId: "org-1", ...changes }
}
