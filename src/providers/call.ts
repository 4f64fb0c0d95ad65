import { CallClocks, type ClockLimits } from "./clocks.ts"
import {
  failure,
  failureOfReport,
  networkFailure,
  type Scene,
  shortenId,
  timeoutFailure,
} from "./failures.ts"
import type { CallEnd, CallFailure, CallOutcome, ProviderCall } from "./provider.ts"
import { readQuotas, readReset } from "./quotas.ts"
import { readBody, readText } from "./read-body.ts"
import { SseLimitError, SseParser } from "./sse.ts"
import type { Assembly, ErrorReport, Progress, Wire } from "./wire.ts"

const MAX_ERROR_BYTES = 16_384
const MAX_PARTIAL_CHARS = 2000
/** Room for the parts of an event or an answer that are not content. */
const ENVELOPE_CHARS = 65_536

/** It was aborted before the provider can have charged for it. */
const NEVER_RUN = { kind: "aborted", usage: null, possiblyBilled: false } as const

/** How the reading of an answer ended; an object is an error that the vendor reported in it. */
type Reading = "ended" | "malformed" | "too_large" | ErrorReport | Error

/**
 * One call, from the request to the assembled answer. Never throws, follows no redirect, and leaves
 * neither a timer nor an open connection behind.
 */
export async function callProvider(
  wire: Wire,
  call: ProviderCall,
  limits: ClockLimits,
): Promise<CallOutcome> {
  if (call.signal.aborted) return NEVER_RUN
  const clocks = new CallClocks(call.timeoutMs, call.signal, limits, call.setTimer)
  try {
    return await converse(wire, call, clocks)
  } catch {
    // Not reachable by what a provider sends, only by a request body that cannot be translated.
    const details = { retryable: false, possiblyBilled: false }
    return failed(failure("internal", "The request could not be sent.", null, details), null)
  } finally {
    clocks.stop()
  }
}

async function converse(wire: Wire, call: ProviderCall, clocks: CallClocks): Promise<CallOutcome> {
  const body = JSON.stringify(wire.buildRequest(call.model, call.body))
  // Apart from its object: a Worker's own fetch refuses to be called as a method.
  const { fetch, traceparent } = call
  let response: Response
  try {
    response = await fetch(wire.url, {
      method: "POST",
      headers: traceparent && wire.isGateway ? { ...wire.headers, traceparent } : wire.headers,
      body,
      redirect: "manual",
      signal: clocks.signal,
    })
  } catch (error) {
    return endedEarly(clocks, null, null) ?? failed(networkFailure(error, null), null)
  }
  // As of now: an answer may stream for minutes.
  const quotas = readQuotas(response.headers, wire.limitHeaders, Date.now())
  const end = await readResponse(wire, call, response, clocks)
  return quotas === null ? end : { ...end, quotas }
}

async function readResponse(
  wire: Wire,
  call: ProviderCall,
  response: Response,
  clocks: CallClocks,
): Promise<CallEnd> {
  const scene = sceneOf(response, wire)
  if (!response.ok) return refused(wire, response, clocks, scene)
  if (response.body === null) return failed(invalid("The provider's answer is empty.", scene), null)

  const assembly = wire.startAssembly(call.model)
  const isJson = /json/i.test(response.headers.get("content-type") ?? "")
  const reading = isJson
    ? await readWhole(response.body, assembly, clocks, call.maxResultBytes)
    : await readEvents(response.body, assembly, clocks, call)
  return conclude(reading, assembly, clocks, scene, call.maxResultBytes)
}

function sceneOf(response: Response, wire: Wire): Scene {
  const { status, headers, ok } = response
  const requestId = wire.requestIdHeaders.map((name) => headers.get(name)).find((id) => id !== null)
  const resetMs = status === 429 ? readReset(headers, wire.limitHeaders, Date.now()) : null
  return { status, headers, requestId: shortenId(requestId ?? null), started: ok, resetMs }
}

/** The provider answered with anything but success. */
async function refused(wire: Wire, response: Response, clocks: CallClocks, scene: Scene): Promise<CallEnd> {
  const { text } = await readText(response.body, clocks, MAX_ERROR_BYTES)
  if (clocks.ended === "aborted") return NEVER_RUN
  if (response.status < 400) {
    const details = { retryable: true, possiblyBilled: false, scope: "provider" as const }
    const message = "The provider answered with a redirect, which is not followed."
    return failed(failure("provider_invalid_response", message, scene, details), null)
  }
  const report = wire.explainError(response.status, text)
  return failed(failureOfReport(report, scene, Date.now()), null)
}

async function readEvents(
  body: ReadableStream<Uint8Array>,
  assembly: Assembly,
  clocks: CallClocks,
  { maxResultBytes, onText }: ProviderCall,
): Promise<Reading> {
  const parser = new SseParser(maxResultBytes + ENVELOPE_CHARS)
  let progress: Progress = "nothing"
  const onData = (data: string): void => {
    if (progress === "end" || typeof progress === "object") return
    progress = assembly.take(data)
    if (progress !== "content") return
    clocks.content()
    onText?.(assembly.text)
  }
  let broken: Reading | null = null
  const error = await readBody(body, clocks, (chunk) => {
    broken = attempt(() => parser.push(chunk, onData), assembly, maxResultBytes)
    if (broken !== null || typeof progress === "object") return "stop"
    return progress === "end" ? "last" : "more"
  })
  if (error === null && broken === null) {
    broken = attempt(() => parser.end(onData), assembly, maxResultBytes)
  }
  return broken ?? (typeof progress === "object" ? progress : (error ?? "ended"))
}

/** For endpoints that ignore `stream: true`. */
async function readWhole(
  body: ReadableStream<Uint8Array>,
  assembly: Assembly,
  clocks: CallClocks,
  maxResultBytes: number,
): Promise<Reading> {
  const { text, complete, error } = await readText(body, clocks, maxResultBytes + ENVELOPE_CHARS)
  if (error !== null) return error
  if (clocks.ended !== null) return "ended"
  if (!complete) return "too_large"
  let progress: Progress = "nothing"
  const broken = attempt(
    () => {
      progress = assembly.takeWhole(text)
    },
    assembly,
    maxResultBytes,
  )
  return broken ?? (typeof progress === "object" ? progress : "ended")
}

/** Takes what came; null when it could be read and there is room for it. */
function attempt(take: () => void, assembly: Assembly, maxResultBytes: number): Reading | null {
  try {
    take()
  } catch (error) {
    return error instanceof SseLimitError ? "too_large" : "malformed"
  }
  return assembly.size > maxResultBytes ? "too_large" : null
}

function conclude(
  reading: Reading,
  assembly: Assembly,
  clocks: CallClocks,
  scene: Scene,
  maxResultBytes: number,
): CallEnd {
  const { usage } = assembly
  if (typeof reading === "object" && !(reading instanceof Error)) {
    return failed(failureOfReport(reading, scene, Date.now()), usage)
  }
  if (reading === "too_large") return failed(tooLarge(assembly, scene), usage)
  // An answer that is whole is kept, whatever happened after it: it has been paid for.
  const response = assembly.finish()
  if (response === null) {
    const early = endedEarly(clocks, scene, assembly)
    if (early !== null) return early
    if (reading instanceof Error) return failed(networkFailure(reading, scene), usage)
    return failed(invalid(INVALID_MESSAGES[reading], scene), usage)
  }
  if (byteLength(JSON.stringify(response)) > maxResultBytes) return failed(tooLarge(assembly, scene), usage)
  return {
    kind: "answered",
    response,
    usage,
    status: scene.status,
    providerRequestId: scene.requestId,
  }
}

const INVALID_MESSAGES = {
  malformed: "The provider's answer could not be read.",
  ended: "The provider's answer ended before it was complete.",
}

function endedEarly(clocks: CallClocks, scene: Scene | null, assembly: Assembly | null): CallEnd | null {
  const usage = assembly?.usage ?? null
  if (clocks.ended === null) return null
  if (clocks.ended === "aborted") return { kind: "aborted", usage, possiblyBilled: true }
  return failed(timeoutFailure(clocks.ended, scene), usage)
}

function tooLarge(assembly: Assembly, scene: Scene): CallFailure {
  const partialText = assembly.text.slice(0, MAX_PARTIAL_CHARS) || null
  const message = "The provider's answer is larger than the limit."
  return failure("result_too_large", message, scene, { retryable: false, partialText })
}

function invalid(message: string, scene: Scene): CallFailure {
  return failure("provider_invalid_response", message, scene, { retryable: true })
}

function failed(callFailure: CallFailure, usage: CallEnd["usage"]): CallEnd {
  return { kind: "failed", failure: callFailure, usage }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}
