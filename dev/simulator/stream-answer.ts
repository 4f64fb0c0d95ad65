import { setTimeout } from "node:timers/promises"
import { countTokens, sliceTokens } from "./answer.ts"
import type { Behaviour } from "./behaviour.ts"
import type { BodyWriter } from "./body-writer.ts"
import type { Answer, VendorError, WireFormat } from "./wire-format.ts"

/** How a stream came to its end: as a vendor ends it, or on purpose in some other way. */
export type StreamEnd = "whole" | "broken" | "cut"

export interface StreamPlan {
  wire: WireFormat
  answer: Answer
  behaviour: Behaviour
  requestId: string
  /** Told in the middle of the stream. */
  error: VendorError | null
  /** Streams at this moment, over all vendors: the more there are, the coarser each is written. */
  activeStreams: () => number
}

/** Unpaced answers come in so many events at least, as long as they have the tokens. */
const EVENTS_PER_ANSWER = 16
const MAX_TOKENS_PER_EVENT = 16_384
const FLUSH_CHARS = 65_536

/**
 * Streams an answer's events, everything after the headers. Throws when the client leaves. After `cut` the
 * caller has to break the connection; otherwise the body is ended.
 */
export async function streamAnswer(
  plan: StreamPlan,
  writer: BodyWriter,
  signal: AbortSignal,
): Promise<StreamEnd> {
  const { wire, answer, behaviour, error } = plan
  if (behaviour.fault === "keep_alive") await sendKeepAlives(plan, writer, Number.POSITIVE_INFINITY, signal)
  if (behaviour.fault === "stall_first") await stall(behaviour, signal)
  await sendKeepAlives(plan, writer, behaviour.latencyMs ?? 0, signal)

  const events = createEventSource(wire, answer)
  const breakAt = Math.min(behaviour.afterTokens ?? Math.floor(events.tokens / 2), events.tokens)
  await writer.write(wire.opening(answer))
  await sendTokens(plan, writer, signal, events, breakAt)
  if (error !== null) {
    await writer.write(wire.errorEvent(error, plan.requestId))
    writer.end()
    return "broken"
  }
  switch (behaviour.fault) {
    case "cut":
      await writer.flush()
      return "cut"
    case "end_early":
      writer.end()
      return "broken"
    case "stall":
      await stall(behaviour, signal)
      break
    case "malformed_json":
    case "invalid_utf8":
      await writer.write(damage(events.take(1) || wire.partDelta(answer, 0, "x"), behaviour.fault))
      break
  }
  await sendTokens(plan, writer, signal, events, events.tokens)
  await writer.write(events.closeLastPart() + wire.finish(answer))
  if (behaviour.fault !== "missing_done") await writer.write(wire.terminator)
  writer.end()
  return behaviour.fault === undefined || behaviour.fault.startsWith("stall") ? "whole" : "broken"
}

/** Silence: for as long as the script says, else until the client leaves, which throws. */
export async function stall(behaviour: Behaviour, signal: AbortSignal): Promise<void> {
  if (behaviour.stallMs !== undefined) return pause(behaviour.stallMs, signal)
  signal.throwIfAborted()
  await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
}

/** Throws as soon as the client leaves. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await setTimeout(ms, undefined, { signal })
}

/** Waits `waitMs`, with signs of life where the vendor or the script gives any. */
async function sendKeepAlives(
  plan: StreamPlan,
  writer: BodyWriter,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const endless = waitMs === Number.POSITIVE_INFINITY
  const everyMs = plan.behaviour.keepAliveMs ?? (plan.wire.keepAliveMs || (endless ? 1000 : 0))
  if (everyMs === 0) return pause(waitMs, signal)
  let left = waitMs
  while (left > everyMs) {
    await pause(everyMs, signal)
    await writer.write(plan.wire.keepAlive)
    left -= everyMs
  }
  await pause(left, signal)
}

/** Sends tokens up to `until`, at the script's rate. */
async function sendTokens(
  plan: StreamPlan,
  writer: BodyWriter,
  signal: AbortSignal,
  events: EventSource,
  until: number,
): Promise<void> {
  const rate = plan.behaviour.tokensPerSecond ?? 0
  const startedAt = performance.now()
  const alreadySent = events.sent
  while (events.sent < until) {
    if (rate > 0) {
      const msPerToken = 1000 / rate
      const untilLastMs = startedAt + (until - alreadySent) * msPerToken - performance.now()
      const stepMs = Math.max(msPerToken, tickMs(plan.activeStreams()))
      // However coarse the steps, the last token comes in its time.
      await pause(Math.min(stepMs, Math.max(1, Math.ceil(untilLastMs))), signal)
      const due = Math.floor((performance.now() - startedAt) / msPerToken)
      await writer.write(events.take(Math.min(until, alreadySent + due) - events.sent))
      continue
    }
    const perEvent = Math.min(MAX_TOKENS_PER_EVENT, Math.ceil(events.tokens / EVENTS_PER_ANSWER))
    let batch = ""
    while (events.sent < until && batch.length < FLUSH_CHARS) {
      batch += events.take(Math.min(perEvent, until - events.sent))
    }
    await writer.write(batch)
  }
}

/**
 * At most some thousand writes a second in all: each costs this process about 50 µs and its reader more, and
 * fourteen hundred streams at a time shall leave room for both. In steps of 10 ms, so that equal timers share one list.
 */
function tickMs(activeStreams: number): number {
  return 10 * Math.max(1, Math.ceil(activeStreams / 10))
}

interface EventSource {
  tokens: number
  readonly sent: number
  /** The next `count` tokens as events; a part begins and ends on the way. */
  take(count: number): string
  closeLastPart(): string
}

function createEventSource(wire: WireFormat, answer: Answer): EventSource {
  const lengths = answer.parts.map((part) => countTokens(part.text))
  let index = 0
  let inPart = 0
  let sent = 0
  let isOpen = false

  const closeLastPart = (): string => {
    if (!isOpen) return ""
    isOpen = false
    return wire.partStop(answer, index++)
  }
  return {
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    get sent() {
      return sent
    },
    closeLastPart,
    take(count) {
      let text = ""
      let left = count
      while (left > 0) {
        if (isOpen && inPart === lengths[index]) text += closeLastPart()
        const part = answer.parts[index]
        if (part === undefined) break
        if (!isOpen) {
          text += wire.partStart(answer, index)
          isOpen = true
          inPart = 0
        }
        const step = Math.min(left, (lengths[index] ?? 0) - inPart)
        if (step > 0) text += wire.partDelta(answer, index, sliceTokens(part.text, inPart, inPart + step))
        inPart += step
        sent += step
        left -= step
      }
      return text
    },
  }
}

/** Members that hold what the model says, in any of the formats. */
const SPOKEN = /"(?:content|text|reasoning_content|thinking|arguments|partial_json|refusal)":"/g

/** A text of events, or a body, with one thing wrong in it. */
export function damage(text: string, fault: "malformed_json" | "invalid_utf8"): Buffer {
  if (fault === "malformed_json") {
    const lastBrace = text.lastIndexOf("}")
    return Buffer.from(text.slice(0, lastBrace) + text.slice(lastBrace + 1))
  }
  const spoken = [...text.matchAll(SPOKEN)].at(-1)
  const at = spoken === undefined ? 0 : spoken.index + spoken[0].length
  // A lead byte of two, followed by one that does not continue it.
  return Buffer.concat([
    Buffer.from(text.slice(0, at)),
    Buffer.from([0xc3, 0x28]),
    Buffer.from(text.slice(at)),
  ])
}
