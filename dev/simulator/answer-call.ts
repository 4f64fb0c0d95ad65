import type { IncomingMessage, ServerResponse } from "node:http"
import { composeAnswer, countTokens } from "./answer.ts"
import { type Behaviour, withoutDirectives } from "./behaviour.ts"
import { BodyWriter } from "./body-writer.ts"
import type { CallLog, CallRecord } from "./calls.ts"
import { vendorError } from "./errors.ts"
import type { ArrivingCall, Limits } from "./limits.ts"
import { headersWithoutCredentials, parseJson, readBody, sendsKey } from "./read-request.ts"
import type { Script } from "./script.ts"
import { damage, pause, stall, streamAnswer } from "./stream-answer.ts"
import { type Answer, type ChatRequest, isObject, type VendorError, type WireFormat } from "./wire-format.ts"

const TAG_CHARS = 64

export interface Stage {
  log: CallLog
  script: Script
  limits: Limits
  defaults: Behaviour
  /** Where a scripted redirect points. */
  redirectTo: string
}

interface Exchange {
  wire: WireFormat
  call: CallRecord
  response: ServerResponse
  behaviour: Behaviour
  signal: AbortSignal
  /** Of the vendor, for this call. */
  headers: Record<string, string>
  inFlight: () => number
}

/** Answers one chat call, from reading it to the last byte. Never throws: a client that left is recorded. */
export async function answerCall(
  stage: Stage,
  wire: WireFormat,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const call = stage.log.start(wire.provider, sendsKey(request))
  const left = new AbortController()
  response.once("close", () => {
    stage.log.end(call, response.writableFinished ? "completed" : "aborted")
    left.abort()
  })
  const exchange: Exchange = {
    wire,
    call,
    response,
    behaviour: stage.defaults,
    signal: left.signal,
    headers: wire.headers(call.requestId, { requests: null, tokens: null }),
    inFlight: () => Object.values(stage.log.inFlight).reduce((sum, count) => sum + count, 0),
  }
  try {
    await readAndAnswer(stage, exchange, request)
  } catch (error) {
    if (left.signal.aborted || response.destroyed || request.errored) return
    call.result = "error"
    response.destroy()
    throw error
  }
}

async function readAndAnswer(stage: Stage, exchange: Exchange, request: IncomingMessage): Promise<void> {
  const { wire, call } = exchange
  const text = await readBody(request)
  if (text === null) return sendError(exchange, vendorError(wire.provider, "too_large"))
  const body = parseJson(text)
  stage.log.keepBody({ number: call.number, headers: headersWithoutCredentials(request), body: body ?? text })
  if (!isObject(body)) {
    const message = "We could not parse the JSON body of your request."
    return sendError(exchange, vendorError(wire.provider, "rejected", { message }))
  }
  const invalid = wire.check(body, request.headers)
  if (invalid !== null) return sendError(exchange, invalid)

  const chat = wire.read(body)
  call.model = chat.model
  call.stream = chat.stream
  call.tag = withoutDirectives(chat.lastUserText).slice(0, TAG_CHARS)
  const { promptTokens } = chat
  const arriving = { provider: wire.provider, model: chat.model, promptTokens, startedAt: call.startedAt }
  const admission = stage.limits.admit(arriving)
  const told = { ...exchange, headers: wire.headers(call.requestId, stage.limits.left(arriving)) }
  if (!admission.isAllowed) return sendLimited(told, arriving, admission.waitMs)

  const facts = { provider: wire.provider, model: chat.model, lastUserText: chat.lastUserText }
  const { behaviour, problem } = stage.script.decide(facts, stage.defaults)
  const impossible =
    behaviour.answer === "tool_call" && chat.tools.length === 0
      ? "answer=tool_call, but the request has no tools"
      : null
  const mistake = problem ?? impossible
  if (mistake !== null) {
    const message = `Simulator script: ${mistake}`
    return sendError(exchange, vendorError(wire.provider, "rejected", { message }))
  }
  await perform(stage, { ...told, behaviour }, chat, admission.count)
}

/** `count` is told how many tokens the answer has. */
async function perform(
  stage: Stage,
  exchange: Exchange,
  chat: ChatRequest,
  count: (tokens: number) => void,
): Promise<void> {
  const { wire, call, behaviour, response, signal } = exchange
  const { error, fault, afterTokens, headersLatencyMs = 0 } = behaviour
  if (fault === "reset") return breakConnection(exchange)
  if (fault === "stall_headers") await stall(behaviour, signal)
  await pause(headersLatencyMs, signal)
  if (fault === "redirect") {
    call.result = "error"
    return send(exchange, behaviour.status ?? 302, { location: stage.redirectTo }, "")
  }
  if (fault === "html") return sendHtml(exchange, 200, "Welcome")
  const spoken = error === undefined ? null : vendorError(wire.provider, error, behaviour)
  if (spoken !== null && (afterTokens === undefined || !chat.stream)) {
    if (error === "bad_gateway") return sendHtml(exchange, spoken.status, spoken.message)
    return sendError(exchange, spoken)
  }
  const answer = composeAnswer(wire, chat, behaviour, call.number)
  count(answer.usage.outputTokens)
  call.tokens = answer.usage.promptTokens + answer.usage.outputTokens
  if (!chat.stream) return sendWhole(exchange, answer)

  call.status = 200
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    ...exchange.headers,
  })
  response.flushHeaders()
  const writer = new BodyWriter(response, behaviour, signal)
  const { requestId } = call
  const plan = { wire, answer, behaviour, requestId, error: spoken, activeStreams: exchange.inFlight }
  const end = await streamAnswer(plan, writer, signal)
  if (end !== "whole") call.result = "error"
  if (end === "cut") breakConnection(exchange)
}

/** An answer in one piece, which takes as long as its tokens would. */
async function sendWhole(exchange: Exchange, answer: Answer): Promise<void> {
  const { wire, call, behaviour, response, signal } = exchange
  const { fault, latencyMs = 0, tokensPerSecond = 0 } = behaviour
  const tokens = answer.parts.reduce((sum, part) => sum + countTokens(part.text), 0)
  const waitMs = latencyMs + (tokensPerSecond > 0 ? (tokens * 1000) / tokensPerSecond : 0)
  const json = JSON.stringify(wire.completion(answer))
  const writer = new BodyWriter(response, behaviour, signal)
  call.status = 200
  response.writeHead(200, { "content-type": "application/json", ...exchange.headers })

  const keepAliveMs = behaviour.keepAliveMs ?? (wire.keepAliveMs || (fault === "keep_alive" ? 1000 : 0))
  let left = fault === "keep_alive" ? Number.POSITIVE_INFINITY : waitMs
  while (keepAliveMs > 0 && left > keepAliveMs) {
    await pause(keepAliveMs, signal)
    // Blank lines are what DeepSeek keeps such a connection alive with.
    await writer.write("\n")
    left -= keepAliveMs
  }
  await pause(left, signal)

  if (fault === "stall_first") response.flushHeaders()
  if (fault === "stall_first" || fault === "stall") {
    if (fault === "stall") await writer.write(json.slice(0, json.length / 2))
    await stall(behaviour, signal)
    await writer.write(fault === "stall" ? json.slice(json.length / 2) : json)
    return writer.end()
  }
  if (fault === "cut" || fault === "end_early") {
    call.result = "error"
    await writer.write(json.slice(0, json.length / 2))
    if (fault === "end_early") return writer.end()
    await writer.flush()
    return breakConnection(exchange)
  }
  if (fault === "malformed_json" || fault === "invalid_utf8") {
    call.result = "error"
    await writer.write(damage(json, fault))
    return writer.end()
  }
  await writer.write(json)
  writer.end()
}

function breakConnection({ call, response }: Exchange): void {
  call.result = "error"
  response.socket?.destroy()
}

function sendError(exchange: Exchange, error: VendorError): void {
  const { wire, call, behaviour } = exchange
  call.result = "error"
  const body = JSON.stringify(wire.errorBody(error, call.requestId))
  send(exchange, error.status, { "content-type": "application/json", ...retryHeaders(behaviour) }, body)
}

/** A limit of the account is reached, by this call alone or by those before it. */
function sendLimited(exchange: Exchange, { model, promptTokens }: ArrivingCall, waitMs: number): void {
  const { wire, behaviour } = exchange
  const isTooLarge = waitMs === Number.POSITIVE_INFINITY
  const message = `Request too large for ${model} on tokens per min (TPM): Requested ${promptTokens}.`
  const error = vendorError(wire.provider, "rate_limited", isTooLarge ? { message } : {})
  const retryAfter = Math.ceil(waitMs / 1000)
  const exact = wire.provider === "openai" ? { retryAfterMs: waitMs } : {}
  const wait = isTooLarge ? {} : { retryAfter, ...exact }
  sendError({ ...exchange, behaviour: { ...behaviour, ...wait } }, error)
}

function sendHtml(exchange: Exchange, status: number, title: string): void {
  const { call, behaviour } = exchange
  call.result = "error"
  const page = `<html><head><title>${status} ${title}</title></head><body><h1>${title}</h1></body></html>\n`
  send(exchange, status, { "content-type": "text/html", ...retryHeaders(behaviour) }, page)
}

function send(exchange: Exchange, status: number, headers: Record<string, string>, body: string): void {
  const { call, response } = exchange
  call.status = status
  response.writeHead(status, { ...exchange.headers, ...headers }).end(body)
}

function retryHeaders(behaviour: Behaviour): Record<string, string> {
  const { retryAfter, retryAfterMs, retryAfterDate, shouldRetry } = behaviour
  const headers: Record<string, string> = {}
  if (retryAfter !== undefined) headers["retry-after"] = String(retryAfter)
  if (retryAfterDate !== undefined) {
    headers["retry-after"] = new Date(Date.now() + retryAfterDate * 1000).toUTCString()
  }
  if (retryAfterMs !== undefined) headers["retry-after-ms"] = String(retryAfterMs)
  if (shouldRetry !== undefined) headers["x-should-retry"] = String(shouldRetry)
  return headers
}
