import type { Scope } from "../../../src/core/contracts/access.ts"
import { ListQuery, StatusQuery } from "../../../src/core/contracts/parameters.ts"
import { NewRequest, NewRequests, Replay, Sweep } from "../bodies.ts"
import type { Operation, Routes } from "../operation.ts"
import {
  Accepted,
  AcceptedBulk,
  Cancelled,
  Request,
  RequestPage,
  StatusEvent,
  Swept,
  TextEvent,
} from "../requests-answers.ts"

const tag = "Requests"
const json = "application/json"

const simple = {
  provider: "openai",
  model: "gpt-5-mini",
  messages: [{ role: "user", content: "ESG compliance analysis, in one sentence." }],
  organizationId: "org-123",
}
const full = {
  provider: "deepseek",
  model: "deepseek-chat",
  fallbacks: [{ provider: "anthropic", model: "claude-sonnet-4-5" }],
  messages: [
    { role: "system", content: "Answer briefly." },
    { role: "user", content: [{ type: "text", text: "What does ESG stand for?" }] },
  ],
  priority: "high",
  organizationId: "org-123",
  options: { temperature: 0.2, max_tokens: 500 },
  providerOptions: {},
  timeoutMs: 30_000,
  maxRetries: 3,
  delayMs: 0,
  deadlineAt: null,
  resultTtlSeconds: 86_400,
  metadata: { trace: "abc" },
  callback: { url: "https://example.com/hooks/queue", events: ["request.completed", "request.failed"] },
}

const SWEEPING =
  "Looks at a few hundred requests and acts on at most `limit` of those that match; go on with `nextCursor` until it is null. A page may be repeated: what is done already does not match again. One audit entry a call."

function sweeping(operationId: string, summary: string, scope: Scope, filter: object): Operation {
  return {
    ...{ operationId, summary, description: SWEEPING, tag, scope },
    body: {
      schema: Sweep,
      examples: {
        count: { summary: "How many there are", value: { filter, dryRun: true } },
        some: { summary: "These", value: { filter } },
      },
    },
    answers: { 200: { description: "A page of it.", content: { [json]: Swept } } },
  }
}

export const requestRoutes: Routes = {
  "/v1/requests": {
    post: {
      operationId: "enqueueRequest",
      summary: "Stores a request",
      description: "One round trip to the store. Never 202 for what was not stored.",
      tag,
      scope: "enqueue",
      parameters: ["IdempotencyKey", "Traceparent"],
      body: {
        schema: NewRequest,
        examples: {
          simple: { summary: "The least", value: simple },
          full: { summary: "With everything", value: full },
        },
      },
      answers: {
        202: {
          description: "It is stored.",
          content: { [json]: Accepted },
          headers: ["Location", "Idempotency-Replayed"],
        },
      },
      refusals: [422],
    },
    get: {
      operationId: "listRequests",
      summary: "Lists requests, newest first",
      description: "A filtered page may be short and still have a `nextCursor`.",
      tag,
      scope: "read",
      query: ListQuery,
      tryWith: { organizationId: "org-123" },
      answers: { 200: { description: "A page.", content: { [json]: RequestPage } } },
    },
  },
  "/v1/requests/bulk": {
    post: {
      operationId: "enqueueRequests",
      summary: "Stores up to 1,000 requests, all or none",
      tag,
      scope: "enqueue",
      parameters: ["IdempotencyKey", "Traceparent"],
      body: {
        schema: NewRequests,
        examples: { two: { summary: "Two at once", value: { requests: [simple, full] } } },
      },
      answers: {
        202: {
          description: "They are stored.",
          content: { [json]: AcceptedBulk },
          headers: ["Idempotency-Replayed"],
        },
      },
      refusals: [422],
    },
  },
  "/v1/requests/cancel": {
    post: sweeping("cancelRequests", "Cancels all that match", "cancel", {
      state: "pending",
      organizationId: "org-123",
    }),
  },
  "/v1/requests/replay": {
    post: sweeping("replayRequests", "Tries all dead letters anew that match", "enqueue", {
      errorCode: "provider_auth",
    }),
  },
  "/v1/requests/discard": {
    post: sweeping("discardRequests", "Discards all dead letters that match", "cancel", {
      organizationId: "org-123",
      errorCode: "provider_rejected",
    }),
  },
  "/v1/requests/{requestId}": {
    get: {
      operationId: "getRequest",
      summary: "Tells all of a request",
      description:
        "With `wait` or `Prefer: wait` as soon as it has ended, at the latest when the time is up.",
      tag,
      scope: "read",
      query: StatusQuery,
      parameters: ["Prefer"],
      answers: {
        200: {
          description: "The request. `Retry-After` says when to ask again for one that has not ended.",
          content: { [json]: Request },
          headers: ["Retry-After", "Preference-Applied"],
        },
      },
      refusals: [404],
    },
    delete: {
      operationId: "cancelRequest",
      summary: "Cancels a request, or discards a dead letter",
      tag,
      scope: "cancel",
      answers: { 200: { description: "It is done.", content: { [json]: Cancelled } } },
      refusals: [404, 409],
    },
  },
  "/v1/requests/{requestId}/replay": {
    post: {
      operationId: "replayRequest",
      summary: "Tries a failed request anew",
      tag,
      scope: "enqueue",
      body: {
        schema: Replay,
        isOptional: true,
        examples: { plain: { summary: "As it was", value: {} } },
      },
      answers: {
        202: {
          description: "It is in its line again.",
          content: { [json]: Accepted },
          headers: ["Location"],
        },
      },
      refusals: [404, 409],
    },
  },
  "/v1/requests/{requestId}/events": {
    get: {
      operationId: "followRequest",
      summary: "Tells what becomes of a request, as it happens",
      description:
        "Server-sent events: `status` (state, position, estimate), `text` (the answer as it comes, with its attempt and offset), `finished` (all of the request), after which the stream ends. A comment comes every 15 s.",
      tag,
      scope: "read",
      parameters: ["LastEventId"],
      answers: {
        200: {
          description: "The events.",
          content: {
            "text/event-stream": { events: { status: StatusEvent, text: TextEvent, finished: Request } },
          },
        },
        204: { description: "All has been told up to that event: do not come back." },
      },
      refusals: [404],
    },
  },
}
