import type { RequestHead } from "../../src/core/request.ts"
import type { ClaimedRequest } from "../../src/queue/contract.ts"

/** A claimed request as the queue hands it out; tests change what matters to them. */
export function claimedRequest(
  head: Partial<RequestHead> = {},
  claimed: Partial<Omit<ClaimedRequest, "head">> = {},
): ClaimedRequest {
  const requestId = head.requestId ?? "req_0000000000000000000000a"
  return {
    lease: {
      ...{ requestId, attempt: 1, op: "op-1", expiresAt: 1_000_000 },
      ...{ organizationId: "org-1", resultTtlSeconds: 3600, trace: "" },
    },
    head: {
      requestId,
      provider: "openai",
      model: "gpt-test",
      fallbacks: [],
      priority: "normal",
      organizationId: "org-1",
      createdAt: 0,
      scheduledAt: null,
      deadlineAt: null,
      timeoutMs: 30_000,
      maxRetries: 3,
      resultTtlSeconds: 3600,
      metadata: {},
      callback: null,
      batchId: null,
      simulated: false,
      ...head,
    },
    body: { messages: [{ role: "user", content: "hello" }], options: {}, providerOptions: {} },
    target: { provider: head.provider ?? "openai", model: head.model ?? "gpt-test" },
    hasAlternative: false,
    retries: 0,
    timeouts: 0,
    watchedUntil: 0,
    startedAt: 0,
    dueAt: 0,
    ...claimed,
  }
}
