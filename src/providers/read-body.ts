import type { CancelTimer } from "../core/timers.ts"
import type { CallClocks } from "./clocks.ts"

/** How long a server that has said its last word may take to close before we do. */
const LINGER_MS = 100

/** What a chunk's reader wants: `last` lets the server close, so that its connection can be used again. */
type Appetite = "more" | "last" | "stop"

/**
 * Reads a response's body until it ends, its reader has enough, or the call's clocks end it. Whichever
 * it is, nothing stays open behind it. Returns the error that cut the body short, else null.
 */
export async function readBody(
  body: ReadableStream<Uint8Array>,
  clocks: CallClocks,
  onChunk: (chunk: Uint8Array) => Appetite,
): Promise<Error | null> {
  const reader = body.getReader()
  // The fetch that is injected may not pass its signal on to the body; cancelling ends a pending read.
  const cancel = () => void reader.cancel().catch(() => undefined)
  let stopLingering: CancelTimer | undefined
  clocks.onEnd(cancel)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return null
      const appetite = onChunk(value)
      if (appetite === "stop") return null
      if (appetite === "last") stopLingering ??= clocks.setTimer(cancel, LINGER_MS)
    }
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    stopLingering?.()
    clocks.onEnd(null)
    cancel()
  }
}

/** Reads text of at most `maxBytes`; what is beyond is cut off, and so is what a broken body lacks. */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  clocks: CallClocks,
  maxBytes: number,
): Promise<{ text: string; complete: boolean; error: Error | null }> {
  if (body === null) return { text: "", complete: true, error: null }
  const decoder = new TextDecoder()
  let text = ""
  let bytes = 0
  const error = await readBody(body, clocks, (chunk) => {
    const room = maxBytes - bytes
    bytes += chunk.length
    text += decoder.decode(chunk.length > room ? chunk.subarray(0, room) : chunk, { stream: true })
    return bytes > maxBytes ? "stop" : "more"
  })
  return { text: text + decoder.decode(), complete: bytes <= maxBytes && error === null, error }
}
