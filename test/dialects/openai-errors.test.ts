import { describe, expect, it } from "vitest"
import { ERROR_CODES, type ErrorCode } from "../../src/core/outcome.ts"
import { explainEnd, toVendorError } from "../../src/dialects/openai-errors.ts"

const error = (code: ErrorCode, status: number | null = null) => ({
  ...{ code, message: "As it was told.", retryable: false, status },
})

describe("a request that failed", () => {
  it.each([
    ["provider_rejected", 400, "invalid_request_error", "provider_rejected"],
    ["provider_auth", 502, "server_error", "provider_auth"],
    ["provider_quota", 429, "insufficient_quota", "insufficient_quota"],
    ["provider_rate_limited", 429, "rate_limit_error", "rate_limit_exceeded"],
    ["provider_unavailable", 503, "server_error", "provider_unavailable"],
    ["provider_overloaded", 503, "server_error", "provider_overloaded"],
    ["provider_invalid_response", 502, "server_error", "provider_invalid_response"],
    ["timeout", 504, "server_error", "timeout"],
    ["network", 502, "server_error", "network"],
    ["deadline_exceeded", 504, "server_error", "deadline_exceeded"],
    ["lease_expired", 500, "server_error", "lease_expired"],
    ["result_too_large", 500, "server_error", "result_too_large"],
    ["internal", 500, "server_error", "internal"],
  ] as const)("%s is told as %i %s", (ours, status, type, code) => {
    expect(toVendorError(error(ours))).toEqual({
      ...{ status, body: { error: { message: "As it was told.", type, param: null, code } } },
    })
    // The caller's own key is not to blame for what a provider says of ours.
    expect([401, 403]).not.toContain(toVendorError(error(ours, 401)).status)
  })

  it("keeps a status that says what was wrong with it", () => {
    const statuses = [400, 401, 404, 413, 422, 499, null].map(
      (status) => toVendorError(error("provider_rejected", status)).status,
    )
    expect(statuses).toEqual([400, 400, 404, 413, 422, 400, 400])
    expect(
      ERROR_CODES.map((code) => toVendorError(error(code, 404)).status).filter((s) => s === 404),
    ).toHaveLength(1)
  })
})

it("a request without an outcome is told of, with where to find it", () => {
  const { status, body } = explainEnd({ requestId: "req_1", state: "processing", error: null })
  expect([status, body.error.code]).toEqual([504, "not_finished"])
  expect(body.error.message).toContain("GET /v1/requests/req_1")
  expect(explainEnd({ requestId: "req_1", state: "cancelled", error: null }).status).toBe(409)
})
