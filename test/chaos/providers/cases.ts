import type { AttemptRecord, ErrorCode } from "../../../src/core/outcome.ts"
import type { VendorFixtures } from "../../providers/fixtures/fixtures.ts"
import type { Conversation, Fault } from "./faulty-server.ts"

/** A fault, and what a request must come to that meets it on each of its attempts. */
export interface FaultCase extends Fault {
  title: string
  /** null: it is completed all the same. */
  code: ErrorCode | null
  /** Whether it is tried again; null: when the provider says so, later than a test waits. */
  isRetried?: boolean | null
  /** The account's trouble: nobody's request, which goes back to its line. */
  isAccounts?: boolean
  timeoutMs?: number
  /** Where workerd sees it otherwise than Node. */
  inWorkerd?: { code: ErrorCode | null; isRetried?: boolean }
}

/** Said by every answer, so that logs can be searched for it. */
export const WORDS = "the-words-of-the-provider"

type Headers = Record<string, string>

export function head(status: number | string, headers: Headers = {}): string {
  // Else a caller may send its next call down a connection that is just being closed.
  const closing = typeof status === "number" && status >= 200 ? { connection: "close" } : {}
  const lines = Object.entries({ ...closing, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status}${typeof status === "number" ? " Said" : ""}\r\n${lines.join("")}\r\n`
}

export function chunk(bytes: string): string {
  return `${Buffer.byteLength(bytes).toString(16)}\r\n${bytes}\r\n`
}

/** Says this, one after the other, and closes: FIN. */
export function says(...parts: (string | Uint8Array)[]): Pick<Fault, "play"> {
  return {
    play: async ({ write }) => {
      for (const part of parts) await write(part)
    },
  }
}

/** Says this and stays silent for good. */
export function saysAndHangs(...parts: string[]): Pick<Fault, "play"> {
  return {
    play: async (conversation) => {
      await says(...parts).play(conversation)
      await conversation.hang()
    },
  }
}

/** Says this and breaks the connection, once it has had time to arrive. */
export function saysAndResets(...parts: string[]): Pick<Fault, "play"> {
  return {
    play: async (conversation) => {
      await says(...parts).play(conversation)
      await conversation.wait(50)
      conversation.reset()
    },
  }
}

/** Says `first`, then `again` every so often, for good. */
export function repeats(first: string, again: string, everyMs: number): Pick<Fault, "play"> {
  return {
    play: async ({ write, wait }: Conversation) => {
      await write(first)
      for (;;) {
        await write(again)
        await wait(everyMs)
      }
    },
  }
}

/** A drain ends rather than wait longer. */
const WAITED_FOR_MS = 2000

/** Every answer that the vendor's own documents and recordings hold: the taxonomy. */
export function taxonomyOf({ errors }: Pick<VendorFixtures, "errors">): FaultCase[] {
  return Object.entries(errors).map(([title, { recording, failure }]) => {
    const body = recording.steps.filter((step) => typeof step === "string").join("")
    const waits = failure.retryable && (failure.retryAfterMs ?? 0) > WAITED_FOR_MS
    return {
      ...{ title, code: failure.code as ErrorCode, isAccounts: failure.scope === "account" },
      isRetried: waits ? null : failure.retryable,
      ...says(head(recording.status, recording.headers), body),
    }
  })
}

/** Of all its attempts, each once; null: an attempt that succeeded. */
export function codesOf(attempts: AttemptRecord[] = []): (string | null)[] {
  return [...new Set(attempts.map(({ error }) => error?.code ?? null))]
}

/** What becomes of a request with one retry that meets the fault whenever it is called. */
export function endOf({ code, isRetried, isAccounts }: FaultCase): {
  state: string
  codes: (string | null)[]
  calls: number
} {
  const finished = code === null ? "completed" : "failed"
  const waiting = isAccounts === true ? "pending" : isRetried === null ? "scheduled" : null
  return { state: waiting ?? finished, codes: [code], calls: isRetried === true ? 2 : 1 }
}
