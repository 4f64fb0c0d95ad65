import type { RequestRead } from "../core/contracts/new-request.ts"
import { batchRequestId } from "../core/ids.ts"
import { isDeeperThan, MAX_JSON_DEPTH } from "../core/is-deeper-than.ts"
import type { DialectRules } from "../dialects/rules.ts"
import { BATCH_PREFIXES } from "../queue/batches.ts"
import type { Batch } from "../queue/batches-contract.ts"
import { MAX_COMMAND_BYTES } from "../queue/store.ts"
import type { BatchDeps } from "./deps.ts"
import { type Envelope, type LineFormat, type LineProblem, toParam } from "./line-format.ts"
import type { Line } from "./read-lines.ts"

/** What stands around a body in its line: the custom id and names. */
const ENVELOPE_LENGTH = 4096
/** So short, it cannot become longer than that. */
const SAFE_LENGTH = 1_000_000
/** Beyond its window a line's outcome is kept until the batch's files are written. */
const MARGIN_SECONDS = 86_400

const encoder = new TextEncoder()

/** Characters that a line may have. */
export function maxLineLength({ config }: BatchDeps): number {
  return config.maxRequestBytes + ENVELOPE_LENGTH
}

export function requestIdOf({ batchId, kind }: Batch, { index }: Pick<Line, "index">): string {
  return batchRequestId(batchId, BATCH_PREFIXES[kind], index)
}

export function readEnvelope({ text }: Line, format: LineFormat): Envelope {
  if (text === null) return unreadable("line_too_long", "The line is longer than any request may be.")
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return unreadable("invalid_json_line", "The line is not valid JSON.")
  }
  if (isDeeperThan(MAX_JSON_DEPTH, value)) {
    return unreadable("invalid_json_line", `The line is nested more than ${MAX_JSON_DEPTH} levels deep.`)
  }
  return format.readEnvelope(value)
}

function unreadable(code: string, message: string): Envelope {
  return { customId: null, body: null, problems: [{ code, message, param: null }] }
}

/** A line's request as it is to be stored, or what is wrong with its body. */
export function readRequestOf(
  line: Line,
  { customId, body }: Envelope,
  format: LineFormat,
  { batch, deps, now }: { batch: Batch; deps: BatchDeps; now: number },
): { request: RequestRead; problems: [] } | { request: null; problems: LineProblem[] } {
  const rules: DialectRules = {
    config: deps.config,
    organizationId: batch.organizationId,
    now,
    newRequestId: () => requestIdOf(batch, line),
    given: {
      priority: "low",
      deadlineAt: batch.expiresAt,
      resultTtlSeconds: Math.ceil((batch.expiresAt - batch.createdAt) / 1000) + MARGIN_SECONDS,
      metadata: { custom_id: customId ?? "", batch_id: batch.batchId },
    },
  }
  const { requests, problems } = format.readBody(body, rules, [format.bodyName])
  if (requests === null) {
    const found = problems.map(({ code, message, path }) => ({ code, message, param: toParam(path) }))
    return { request: null, problems: found }
  }
  const [request] = requests
  if (request !== undefined && fits(line, deps)) {
    return { request: { ...request, head: { ...request.head, batchId: batch.batchId } }, problems: [] }
  }
  const message = `The body may have at most ${deps.config.maxRequestBytes} bytes.`
  return { request: null, problems: [{ code: "too_large", message, param: format.bodyName }] }
}

function fits({ text }: Line, { config }: BatchDeps): boolean {
  if (text === null) return false
  if (text.length * 3 <= Math.min(config.maxRequestBytes, SAFE_LENGTH)) return true
  if (encoder.encode(text).length > config.maxRequestBytes + ENVELOPE_LENGTH) return false
  return text.length <= SAFE_LENGTH || encoder.encode(JSON.stringify(text)).length <= MAX_COMMAND_BYTES
}
