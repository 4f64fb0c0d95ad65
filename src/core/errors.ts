export const PROBLEM_STATUS = {
  invalid_request: 400,
  malformed_json: 400,
  provider_not_configured: 400,
  not_supported: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  idempotency_mismatch: 422,
  rate_limited: 429,
  queue_full: 429,
  internal: 500,
  store_unavailable: 503,
  store_full: 503,
  not_configured: 503,
} as const

export type ProblemCode = keyof typeof PROBLEM_STATUS

/** One thing wrong with a request body; `path` is a JSON Pointer. */
export interface FieldProblem {
  path: string
  message: string
}

interface AppErrorOptions {
  /** The operation that failed, such as `enqueue`. */
  op?: string
  cause?: unknown
  errors?: FieldProblem[]
  /** When trying again makes sense, seconds. */
  retryAfterSeconds?: number
  /** Members beside the standard ones of the problem, such as `requestId`. */
  extra?: Record<string, unknown>
}

/** Every error this project throws on purpose. Its message is for the caller; it never holds content or keys. */
export class AppError extends Error {
  override readonly name: string = "AppError"
  readonly code: ProblemCode
  readonly op: string | undefined
  readonly errors: FieldProblem[] | undefined
  readonly retryAfterSeconds: number | undefined
  readonly extra: Record<string, unknown> | undefined

  constructor(code: ProblemCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.op = options.op
    this.errors = options.errors
    this.retryAfterSeconds = options.retryAfterSeconds
    this.extra = options.extra
  }

  get status(): number {
    return PROBLEM_STATUS[this.code]
  }
}

/** What went wrong, for logs and counts: its code or class, never its text, which could hold content. */
export function kindOf(error: unknown): string {
  if (error instanceof AppError) return error.code
  return error instanceof Error ? error.name : "unknown"
}
