import { createGzip } from "node:zlib"
import type { VendorFixtures } from "../../providers/fixtures/fixtures.ts"
import { effort } from "../effort.ts"
import { type FaultCase, head } from "./cases.ts"
import type { Fault } from "./faulty-server.ts"

const GIANT_MB = effort(25, 100)
export const GIANT_BYTES = GIANT_MB * 1024 * 1024
const PIECE_BYTES = 64 * 1024

const ok = head(200, { "content-type": "text/event-stream" })
const TOO_LARGE = { code: "result_too_large", timeoutMs: 30_000 } as const

/** Says `first`, then a giant's worth of `again`, then `last`; as long as the caller listens. */
function floods(first: string, again: string | ((n: number) => string), last = ""): Pick<Fault, "play"> {
  return {
    play: async ({ write }) => {
      await write(first)
      const fixed =
        typeof again === "string" ? Buffer.from(again.repeat(Math.ceil(PIECE_BYTES / again.length))) : null
      for (let said = 0, n = 0; said < GIANT_BYTES; ) {
        let piece = fixed
        if (typeof again === "function") {
          const texts: string[] = []
          for (let length = 0; length < PIECE_BYTES; n++)
            length += texts[texts.push(again(n)) - 1]?.length ?? 0
          piece = Buffer.from(texts.join(""))
        }
        if (piece === null) return
        said += piece.length
        await write(piece)
      }
      await write(last)
    },
  }
}

/** A giant that is a thousandth of that on the wire. */
function bombs(status: number, first: string): Pick<Fault, "play"> {
  return {
    play: async ({ write }) => {
      await write(head(status, { "content-type": "text/event-stream", "content-encoding": "gzip" }))
      const gzip = createGzip()
      const piece = Buffer.alloc(PIECE_BYTES, "x")
      gzip.write(first)
      for (let i = 0; i < GIANT_BYTES / PIECE_BYTES; i++) gzip.write(piece)
      gzip.end()
      for await (const packed of gzip) await write(packed as Buffer)
    },
  }
}

/** Answers of 100 MB (25 in `npm test`), each of them too long in another place. */
export function giantsOf({ settings, parts }: Pick<VendorFixtures, "settings" | "parts">): FaultCase[] {
  const { opening, content, keepAlive, finish, endMarker } = parts
  const own = settings.wireFormat === "openai-chat" ? giantChats : giantMessages
  return [
    {
      title: `${GIANT_MB} MB of content`,
      ...TOO_LARGE,
      ...floods(ok + opening, content.replace("piece ", "piece ".repeat(1000))),
    },
    { title: `${GIANT_MB} MB in one line`, ...TOO_LARGE, ...floods(`${ok}data: `, "x") },
    {
      title: `${GIANT_MB} MB in one event of many lines`,
      ...TOO_LARGE,
      ...floods(ok, `data: ${"x".repeat(1000)}\n`),
    },
    {
      title: `${GIANT_MB} MB of JSON`,
      ...TOO_LARGE,
      ...floods(`${head(200, { "content-type": "application/json" })}{"a":"`, "x"),
    },
    {
      title: `${GIANT_MB} MB of keep-alives, then an answer`,
      code: null,
      timeoutMs: 60_000,
      ...floods(ok, keepAlive, opening + content + finish + endMarker),
    },
    {
      title: `an error of ${GIANT_MB} MB`,
      code: "provider_unavailable",
      isRetried: true,
      timeoutMs: 30_000,
      ...floods(head(500, { "content-type": "application/json" }), "x"),
    },
    {
      title: `a redirect of ${GIANT_MB} MB`,
      code: "provider_invalid_response",
      isRetried: true,
      timeoutMs: 30_000,
      ...floods(head(302, { location: "http://127.0.0.1:1/" }), "x"),
    },
    {
      title: "a header without an end",
      code: "network",
      isRetried: true,
      timeoutMs: 30_000,
      ...floods("HTTP/1.1 200 OK\r\nX-A: ", "x"),
    },
    {
      title: "headers without an end",
      code: "network",
      isRetried: true,
      timeoutMs: 30_000,
      ...floods("HTTP/1.1 200 OK\r\n", (n) => `X-${n}: ${n}\r\n`),
    },
    { title: "a gzip bomb", ...TOO_LARGE, ...bombs(200, "data: ") },
    {
      title: "a gzip bomb as an error",
      code: "provider_unavailable",
      isRetried: true,
      timeoutMs: 30_000,
      ...bombs(500, "{"),
    },
    ...own,
  ]
}

const line = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

/** What an answer is made of beside its text, without an end. */
const giantChats: FaultCase[] = [
  { title: "choices without an end", ...TOO_LARGE, ...floods(ok, (n) => line({ choices: [{ index: n }] })) },
  {
    title: "tool calls without an end",
    ...TOO_LARGE,
    ...floods(ok, (n) => line({ choices: [{ delta: { tool_calls: [{ index: n }] } }] })),
  },
  {
    title: "tool calls of long names",
    ...TOO_LARGE,
    ...floods(ok, (n) =>
      line({
        choices: [
          {
            delta: { tool_calls: [{ index: n, id: "i".repeat(9000), function: { name: "f".repeat(9000) } }] },
          },
        ],
      }),
    ),
  },
  {
    title: "log probabilities of refusals",
    ...TOO_LARGE,
    ...floods(ok, () => line({ choices: [{ logprobs: { refusal: [{ token: "t".repeat(9000) }] } }] })),
  },
]

const giantMessages: FaultCase[] = [
  {
    title: "tool calls without an end",
    ...TOO_LARGE,
    ...floods(ok, (index) =>
      line({ type: "content_block_start", index, content_block: { type: "tool_use" } }),
    ),
  },
  {
    title: "tool calls of long names",
    ...TOO_LARGE,
    ...floods(ok, (index) =>
      line({
        type: "content_block_start",
        index,
        content_block: { type: "tool_use", id: "i".repeat(9000), name: "f".repeat(9000) },
      }),
    ),
  },
  {
    ...{ title: "figures without an end, then an answer", code: null, timeoutMs: 60_000 },
    ...floods(
      ok,
      (n) => line({ type: "message_delta", delta: {}, usage: { [`figure_${n}`]: "x".repeat(9000) } }),
      line({ type: "message_delta", delta: { stop_reason: "end_turn" } }) + line({ type: "message_stop" }),
    ),
  },
]
