import { gzipSync } from "node:zlib"
import type { VendorFixtures } from "../../providers/fixtures/fixtures.ts"
import { chunk, type FaultCase, head, repeats, says, saysAndHangs, saysAndResets, WORDS } from "./cases.ts"

const EVENTS = { "content-type": "text/event-stream" }
const JSON_TYPE = { "content-type": "application/json" }
const CHUNKED = { ...EVENTS, "transfer-encoding": "chunked" }
const INVALID = { code: "provider_invalid_response", isRetried: true } as const
const BROKEN = { code: "network", isRetried: true } as const
const TIMEOUT = { code: "timeout", isRetried: true, timeoutMs: 1000 } as const
const FINE = { code: null } as const

/** What can go wrong below the vendor's meaning: silence, cut connections, bytes that are no HTTP, no text, no JSON. */
export function wireFaultsOf(vendor: VendorFixtures, trapUrl: string): FaultCase[] {
  const { opening, content, keepAlive, finish, endMarker } = vendor.parts
  const said = opening + content.replace("piece ", WORDS)
  const whole = said + finish + endMarker
  const ok = head(200, EVENTS)
  return [
    { title: "says nothing at all", ...TIMEOUT, ...saysAndHangs() },
    { title: "headers a byte at a time", ...TIMEOUT, ...repeats("HTTP/1.1 200 OK\r\n", "x", 30) },
    { title: "stalls after the headers", ...TIMEOUT, ...saysAndHangs(ok) },
    { title: "stalls before the first token", ...TIMEOUT, ...saysAndHangs(ok, opening) },
    { title: "stalls in the middle", ...TIMEOUT, ...saysAndHangs(ok, said) },
    { title: "endless keep-alives", ...TIMEOUT, ...repeats(ok, keepAlive, 20) },
    { title: "endless keep-alives after content", ...TIMEOUT, ...repeats(ok + said, keepAlive, 20) },
    { title: "endless blank lines", ...TIMEOUT, ...repeats(ok, "\n", 20) },
    { title: "content without an end", ...TIMEOUT, ...repeats(ok + opening, content, 20) },

    { title: "closes without a word", ...BROKEN, ...says() },
    { title: "breaks the connection without a word", ...BROKEN, ...saysAndResets() },
    { title: "closes within the headers", ...BROKEN, ...says("HTTP/1.1 200 OK\r\nContent-Ty") },
    {
      title: "breaks the connection in the middle",
      ...BROKEN,
      ...saysAndResets(head(200, CHUNKED), chunk(said)),
    },
    { title: "closes within a chunk", ...BROKEN, ...says(head(200, CHUNKED), `500\r\n${said}`) },
    { title: "closes without the last chunk", ...BROKEN, ...says(head(200, CHUNKED), chunk(said)) },
    { title: "chunks of no length", ...BROKEN, ...says(head(200, CHUNKED), chunk(said), "ZZ\r\nhm\r\n") },
    {
      title: "less than the length that was told",
      ...BROKEN,
      ...says(head(200, { ...EVENTS, "content-length": "99999" }), said),
    },
    { title: "no HTTP at all", ...BROKEN, ...says("SSH-2.0-OpenSSH_9.2\r\n") },
    {
      title: "another connection's protocol",
      ...BROKEN,
      // An answer like any other there, and no success.
      inWorkerd: INVALID,
      ...says(head("101 Switching Protocols", { upgrade: "websocket", connection: "upgrade" })),
    },
    {
      title: "a broken gzip",
      ...BROKEN,
      ...says(head(200, { ...EVENTS, "content-encoding": "gzip" }), "no gzip at all"),
    },
    { title: "closes in the middle of the events", ...INVALID, ...says(ok, said) },

    {
      title: "an answer without a body, 200",
      ...INVALID,
      ...says(head(200, { ...EVENTS, "content-length": "0" })),
    },
    { title: "an answer without a body, 204", ...INVALID, ...says(head(204)) },
    {
      title: "a page instead of an answer",
      ...INVALID,
      ...says(head(200, { "content-type": "text/html" }), `<html>${WORDS}</html>`),
    },
    { title: "JSON that is cut", ...INVALID, ...says(head(200, JSON_TYPE), `{"id":"${WORDS}","choices":[`) },
    {
      title: "an event that is no JSON",
      ...INVALID,
      ...says(ok, said, `data: {"a": ${WORDS}\n\n`, "x".repeat(100)),
    },
    {
      title: "an event of bytes that are no UTF-8",
      ...INVALID,
      ...says(ok, said, Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xfe, 0x0a, 0x0a])),
    },
    ...[301, 302, 303, 307, 308].map(
      (status): FaultCase => ({
        title: `a redirect to a private address, ${status}`,
        ...INVALID,
        ...says(head(status, { location: `${trapUrl}/latest/meta-data`, "content-length": "0" })),
      }),
    ),
    {
      title: "502 with a page",
      code: "provider_unavailable",
      isRetried: true,
      ...says(head(502, { "content-type": "text/html" }), `<h1>${WORDS}</h1>`),
    },
    {
      title: "503 without a body",
      code: "provider_unavailable",
      isRetried: true,
      ...says(head(503, { "content-length": "0" })),
    },
    {
      title: "500 that breaks off",
      code: "provider_unavailable",
      isRetried: true,
      ...saysAndResets(head(500, { ...JSON_TYPE, "content-length": "5000" }), `{"error":"${WORDS}`),
    },
    {
      title: "404 with a page",
      code: "provider_rejected",
      ...says(head(404, { "content-type": "text/html" }), "<h1>Not here</h1>"),
    },
    {
      title: "refuses before it has read",
      code: "provider_rejected",
      isHasty: true,
      ...says(head(400, JSON_TYPE), `{"error":{"message":"no"}}`),
    },
    {
      title: "429 with a wait of ages",
      code: "provider_rate_limited",
      isRetried: null,
      ...says(head(429, { ...JSON_TYPE, "retry-after": "9".repeat(30) }), "{}"),
    },

    { title: "answers as it should", ...FINE, ...says(ok, whole) },
    { title: "a connection broken after the finish", ...FINE, ...saysAndResets(ok, said + finish) },
    {
      title: "text that is no UTF-8 within content",
      ...FINE,
      ...says(ok, Buffer.from(whole.replace(WORDS, "\xff\xfe\x80"), "latin1")),
    },
    {
      title: "events under another type",
      ...FINE,
      ...says(head(200, { "content-type": "text/plain" }), whole),
    },
    { title: "events under no type", ...FINE, ...says(head(200), whole) },
    {
      title: "compressed events",
      ...FINE,
      ...says(head(200, { ...EVENTS, "content-encoding": "gzip" }), gzipSync(whole)),
    },
    {
      title: "informational answers before",
      ...FINE,
      ...says(head(102), head(103, { link: "</a>" }), ok, whole),
    },
    {
      title: "several end markers and more after them",
      ...FINE,
      ...says(ok, whole, endMarker, content, endMarker, said, endMarker),
    },
    {
      title: "headers of odd bytes",
      ...FINE,
      ...says(Buffer.from(head(200, { ...EVENTS, "x-request-id": 'a"b|\xff\xfe\x80' }), "latin1"), whole),
    },
    {
      title: "a request id of 6 kB",
      ...FINE,
      ...says(
        head(200, { ...EVENTS, "x-request-id": "i".repeat(6000), "request-id": "i".repeat(6000) }),
        whole,
      ),
    },
    { title: "limits beyond any", ...FINE, ...says(head(200, { ...EVENTS, ...absurdLimits() }), whole) },
  ]
}

function absurdLimits(): Record<string, string> {
  const values = ["-1", "9".repeat(15), "9".repeat(400), "1e9", "NaN", "0"]
  const kinds = ["x-ratelimit", "anthropic-ratelimit"].flatMap((vendor) =>
    ["limit", "remaining", "reset"].map((part, i): [string, string] => [
      `${vendor}-${part}-requests`,
      values[i] ?? "",
    ]),
  )
  return Object.fromEntries([...kinds, ["x-ratelimit-reset-tokens", "999999999999999999999d"]])
}
