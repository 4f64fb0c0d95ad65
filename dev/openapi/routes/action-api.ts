import * as z from "zod"
import { CleanupQuery } from "../../../src/core/contracts/parameters.ts"
import { ActionAccepted, ActionAnswer, ActionCancelled } from "../answers.ts"
import { NewRequest } from "../bodies.ts"
import type { Operation, Routes } from "../operation.ts"
import { requestId } from "../requests-answers.ts"

const json = "application/json"
const common = { tag: "Original action API", words: "action" } satisfies Partial<Operation>

export const actionRoutes: Routes = {
  "/api/ai/queue": {
    post: {
      ...common,
      operationId: "actionEnqueue",
      summary: "Stores a request",
      scope: "enqueue",
      parameters: ["IdempotencyKey", "Traceparent"],
      body: {
        schema: NewRequest,
        examples: {
          simple: {
            summary: "The least",
            value: {
              provider: "anthropic",
              model: "claude-sonnet-4-5",
              messages: [{ role: "user", content: "Say hello." }],
              organizationId: "org-123",
            },
          },
        },
      },
      answers: {
        202: {
          description: "It is stored.",
          content: { [json]: ActionAccepted },
          headers: ["Idempotency-Replayed"],
        },
      },
      refusals: [422],
    },
    get: {
      ...common,
      operationId: "actionRead",
      summary: "Reads figures or a request, or cleans up",
      description: "`stats` and `status` need the scope `read`, `cleanup` needs `admin`.",
      scope: "any",
      query: z.strictObject({
        action: z.enum(["stats", "status", "cleanup"]),
        requestId: requestId.optional().describe("With `status`."),
        olderThanSeconds: CleanupQuery.shape.olderThanSeconds,
      }),
      tryWith: { action: "stats" },
      answers: {
        200: {
          description: "What was asked for.",
          content: { [json]: ActionAnswer },
          headers: ["Retry-After"],
        },
      },
      refusals: [403, 404],
    },
    delete: {
      ...common,
      operationId: "actionCancel",
      summary: "Cancels a request, or discards a dead letter",
      scope: "cancel",
      query: z.strictObject({ requestId }),
      answers: { 200: { description: "It is done.", content: { [json]: ActionCancelled } } },
      refusals: [404, 409],
    },
  },
}
