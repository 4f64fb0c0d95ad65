import type { ProviderName, VendorError } from "./wire-format.ts"

interface Wording {
  status?: number
  type?: string
  code?: string | null
  message?: string
}

interface CatalogueEntry extends Wording {
  status: number
  message: string
  openai?: Wording
  anthropic?: Wording
  deepseek?: Wording
}

const openaiQuota = (code: string, message: string): CatalogueEntry => ({
  status: 429,
  type: "insufficient_quota",
  code,
  message,
})

/** What a vendor does not have is told in its envelope all the same: a proxy in between may send it. */
const CATALOGUE = {
  rejected: { status: 400, code: "invalid_value", message: "The request was rejected by the simulator." },
  context_length: {
    status: 400,
    message: "This model's maximum context length is 128000 tokens.",
    openai: { code: "context_length_exceeded" },
    anthropic: { message: "prompt is too long: 208310 tokens > 200000 maximum" },
  },
  spend_limit: {
    status: 400,
    message:
      "You have reached your specified API usage limits. You will regain access on 2099-01-01 at 00:00 UTC.",
  },
  unauthorized: {
    status: 401,
    code: "invalid_api_key",
    message: "Incorrect API key provided.",
    anthropic: { message: "invalid x-api-key" },
    deepseek: { type: "authentication_error", message: "Authentication Fails (governor)" },
  },
  billing: {
    status: 402,
    message: "Payment required.",
    anthropic: { message: "There is an issue with your billing or payment information." },
    deepseek: { type: "unknown_error", message: "Insufficient Balance" },
  },
  forbidden: {
    status: 403,
    message: "You do not have permission to use this resource.",
    openai: { code: "insufficient_permissions" },
  },
  region: {
    status: 403,
    message: "Country, region, or territory not supported",
    openai: { type: "request_forbidden", code: "unsupported_country_region_territory" },
    anthropic: { message: "Request not allowed" },
  },
  model_not_found: {
    status: 404,
    code: "model_not_found",
    message: "The model does not exist or you do not have access to it.",
    anthropic: { message: "model: not found" },
    deepseek: { status: 400, message: "Model Not Exist" },
  },
  request_timeout: { status: 408, message: "Request timed out." },
  conflict: { status: 409, message: "The request conflicts with another one. Please try again." },
  too_large: { status: 413, message: "Request exceeds the maximum size" },
  unprocessable: { status: 422, message: "Unable to process the request: invalid parameters." },
  rate_limited: {
    status: 429,
    message: "Rate limit reached. Please try again later.",
    openai: { type: "requests", code: "rate_limit_exceeded" },
    anthropic: {
      message: "This request would exceed your organization's rate limit of 50 requests per minute.",
    },
    deepseek: { type: "rate_limit_reached_error", code: "rate_limit_reached" },
  },
  insufficient_quota: openaiQuota("insufficient_quota", "You exceeded your current quota."),
  credit_balance_exhausted: openaiQuota("credit_balance_exhausted", "Your credit balance is exhausted."),
  organization_spend_limit_exceeded: openaiQuota(
    "organization_spend_limit_exceeded",
    "Your organization reached its spend limit.",
  ),
  project_spend_limit_exceeded: openaiQuota(
    "project_spend_limit_exceeded",
    "Your project reached its spend limit.",
  ),
  organization_usage_limit_exceeded: openaiQuota(
    "organization_usage_limit_exceeded",
    "Your organization reached its usage limit.",
  ),
  enforced_spend_limit_reached: {
    status: 429,
    code: "enforced_spend_limit_reached",
    message: "Your organization has reached the monthly API usage threshold of its tier.",
  },
  contract_spend_limit_reached: {
    status: 429,
    code: "contract_spend_limit_reached",
    message: "Your organization has reached the spend limit of its contract.",
  },
  server_error: {
    status: 500,
    message: "The server had an error while processing your request. Sorry about that!",
    anthropic: { message: "Internal server error" },
  },
  bad_gateway: { status: 502, message: "Bad gateway" },
  unavailable: { status: 503, message: "Service unavailable." },
  gateway_timeout: { status: 504, message: "The request timed out while it was processed." },
  overloaded: {
    status: 529,
    message: "Overloaded",
    openai: {
      status: 503,
      type: "service_unavailable_error",
      code: "server_is_overloaded",
      message: "The server is currently overloaded with other requests. Please retry later.",
    },
    deepseek: {
      status: 503,
      type: "service_unavailable_error",
      code: "service_unavailable_error",
      message: "Service is too busy. Please retry your requests after a brief wait.",
    },
  },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorName = keyof typeof CATALOGUE
export const ERROR_NAMES = Object.keys(CATALOGUE) as [ErrorName, ...ErrorName[]]

/** Anthropic tells the kind of an error by its type alone, and the type follows from the status. */
const ANTHROPIC_TYPES: Record<number, string> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  502: "api_error",
  503: "api_error",
  504: "timeout_error",
  529: "overloaded_error",
}

/** One error of the catalogue in one vendor's words; the script may override status, code and message. */
export function vendorError(
  provider: ProviderName,
  name: ErrorName,
  script: { status?: number | undefined; code?: string | undefined; message?: string | undefined } = {},
): VendorError {
  const entry: CatalogueEntry = CATALOGUE[name]
  const own = entry[provider] ?? {}
  const status = script.status ?? own.status ?? entry.status
  const code = script.code ?? own.code ?? entry.code ?? null
  const message = script.message ?? own.message ?? entry.message
  if (provider === "anthropic") {
    // Its envelope has a code only for causes that it documents by name.
    const named = script.code ?? (code?.endsWith("_spend_limit_reached") ? code : null)
    return { status, type: ANTHROPIC_TYPES[status] ?? "invalid_request_error", code: named, message }
  }
  const type = own.type ?? entry.type ?? (status < 500 ? "invalid_request_error" : "server_error")
  // DeepSeek puts the same code on nearly everything.
  const fallback = provider === "deepseek" && status < 500 ? "invalid_request_error" : null
  const vendorCode = provider === "deepseek" && entry.type === undefined ? (own.code ?? fallback) : code
  return { status, type, code: script.code ?? vendorCode, message }
}
