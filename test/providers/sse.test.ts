import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { SseLimitError, SseParser } from "../../src/providers/sse.ts"

const encoder = new TextEncoder()

function parse(chunks: Uint8Array[], maxChars = 1_000_000): string[] {
  const parser = new SseParser(maxChars)
  const data: string[] = []
  for (const chunk of chunks) parser.push(chunk, (event) => data.push(event))
  parser.end((event) => data.push(event))
  return data
}

/** The specification read line by line, without any thought for speed or chunks. */
function parseSlowly(text: string): string[] {
  const events: string[] = []
  let data: string[] = []
  for (const line of `${text}\n\n`.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    if (line === "" && data.length > 0) {
      events.push(data.join("\n"))
      data = []
    } else if (line === "data") data.push("")
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""))
  }
  return events
}

function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
  // The same place twice is an empty chunk, which streams may have too.
  const at = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b)
  return [0, ...at].map((start, index) => bytes.subarray(start, at[index] ?? bytes.length))
}

describe("events", () => {
  test.each<[string, string, string[]]>([
    ["one event", "data: a\n\n", ["a"]],
    ["CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]],
    ["CR alone", "data: a\r\rdata: b\r\r", ["a", "b"]],
    ["several data lines", "data: a\ndata:\ndata: b\n\n", ["a\n\nb"]],
    ["one space is taken off, not two", "data:  a\n\n", [" a"]],
    ["no space", "data:a\n\n", ["a"]],
    ["comments, names and ids", ": keep-alive\n\nevent: ping\nid: 7\ndata: a\nretry: 10\n\n", ["a"]],
    ["an event without data is none", "event: ping\n\n", []],
    ["data without a colon is empty data", "data\n\n", [""]],
    ["fields that only begin like data", "dataset: x\ndata-x: y\ndata: a\n\n", ["a"]],
    ["a byte order mark", "\uFEFFdata: a\n\n", ["a"]],
    ["blank lines before and between", "\n\n\ndata: a\n\n\n\ndata: b\n\n", ["a", "b"]],
    ["the last event without its blank line", "data: a\n\ndata: [DONE]", ["a", "[DONE]"]],
  ])("%s", (_, text, expected) => {
    expect(parse([encoder.encode(text)])).toEqual(expected)
  })

  test("an empty chunk between CR and LF is no line", () => {
    expect(parse(["data: a\r", "", "\ndata: b\r\n\r\n"].map((text) => encoder.encode(text)))).toEqual([
      "a\nb",
    ])
  })

  test("any bytes cut anywhere give the events that the specification says", () => {
    const line = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 12 }).map((value) => `data: ${value}`),
      fc.constantFrom("data:{}", "data", ": keep-alive", "event: x", "", "", "🏃", "data: 你好 — 🏛️"),
    )
    const text = fc
      .array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 30 })
      .map((lines) => lines.map((parts) => parts.join("")).join(""))
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 40 }), (stream, places) => {
        expect(parse(cut(encoder.encode(stream), places))).toEqual(parseSlowly(stream))
      }),
      { numRuns: 1000 },
    )
  })
})

describe("limits", () => {
  test.each<[string, string[]]>([
    ["a line that never ends", ["data: ", ...Array<string>(20).fill("x".repeat(10))]],
    ["an event that never ends", Array<string>(20).fill("data: xxxxxxxxxx\n")],
  ])("%s", (_, pieces) => {
    const parser = new SseParser(100)
    const take = () => {
      for (const piece of pieces) parser.push(encoder.encode(piece), () => undefined)
    }
    expect(take).toThrow(SseLimitError)
  })

  test("many events are no long event", () => {
    const pieces = Array<Uint8Array>(100).fill(encoder.encode("data: xxxxxxxxxx\n\n"))
    expect(parse(pieces, 100)).toHaveLength(100)
  })
})
