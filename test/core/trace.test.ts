import { describe, expect, it } from "vitest"
import {
  isSampled,
  ownTrace,
  parentIdOf,
  readTraceparent,
  spanId,
  traceIdOf,
  underSpan,
  writeTraceparent,
} from "../../src/core/trace.ts"

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
const SPAN_ID = "00f067aa0ba902b7"
const TRACE = `${TRACE_ID}-${SPAN_ID}-01`
const HEADER = `00-${TRACE}`

describe("a traceparent", () => {
  it("is read, and written as it was", () => {
    expect(readTraceparent(HEADER)).toBe(TRACE)
    expect(writeTraceparent(readTraceparent(HEADER))).toBe(HEADER)
  })

  it.each([
    ["nothing", undefined],
    ["nothing", null],
    ["nothing in it", ""],
    ["the version that there is not", HEADER.replace(/^00/, "ff")],
    ["more than version 00 has", `${HEADER}-01`],
    ["an end without more", `${HEADER}-`],
    ["a later version that goes on without a dash", `${HEADER.replace(/^00/, "cc")}.01`],
    ["capitals", HEADER.replace("f", "F")],
    ["a trace id of zeros", HEADER.replace(TRACE_ID, "0".repeat(32))],
    ["a span id of zeros", HEADER.replace(SPAN_ID, "0".repeat(16))],
    ["a trace id that is too short", HEADER.replace(TRACE_ID, TRACE_ID.slice(1))],
    ["a span id that is too long", HEADER.replace(SPAN_ID, `${SPAN_ID}0`)],
    ["no flags", HEADER.slice(0, -3)],
    ["flags of one digit", HEADER.slice(0, -1)],
    ["a letter that is no digit", HEADER.replace("4bf9", "4bg9")],
    ["two of them", `${HEADER}, ${HEADER}`],
    ["a space before it", ` ${HEADER}`],
    ["a line's end behind it", `${HEADER}\n`],
  ])("with %s is ignored", (_, header) => {
    expect(readTraceparent(header)).toBe("")
  })

  it("of a later version is read as far as this one goes", () => {
    expect(readTraceparent(`cc-${TRACE}-what-is-to-come`)).toBe(TRACE)
    expect(readTraceparent(`cc-${TRACE}`)).toBe(TRACE)
  })

  it("keeps the flags that are known, and no others", () => {
    const flagsAfter = (flags: string) => readTraceparent(`00-${TRACE_ID}-${SPAN_ID}-${flags}`).slice(-2)
    expect(["00", "01", "02", "03", "fc", "ff", "09"].map(flagsAfter)).toEqual([
      ...["00", "01", "02", "03", "00", "03", "01"],
    ])
  })
})

describe("a trace", () => {
  it("tells its parts, and nothing of what is none", () => {
    expect([traceIdOf(TRACE), parentIdOf(TRACE), isSampled(TRACE)]).toEqual([TRACE_ID, SPAN_ID, true])
    expect([traceIdOf(""), isSampled(""), isSampled(TRACE.replace(/1$/, "0"))]).toEqual([
      ...[undefined, false, false],
    ])
    expect(underSpan(TRACE, "aaaaaaaaaaaaaaaa")).toBe(`${TRACE_ID}-aaaaaaaaaaaaaaaa-01`)
  })

  it("of a request's own is a valid one, and the same each time", () => {
    const ids = Array.from({ length: 2000 }, (_, i) => `req_0123456780${String(i).padStart(13, "0")}`)
    const own = ids.map(ownTrace)
    for (const trace of own) expect(readTraceparent(writeTraceparent(trace))).toBe(trace)
    expect(ids.map(ownTrace)).toEqual(own)
    expect(new Set(own.map((trace) => trace.slice(0, 16))).size).toBe(ids.length)
    // As random as samplers need it: half of them in either half.
    const low = own.filter((trace) => Number.parseInt(trace.slice(0, 8), 16) < 2 ** 31).length
    expect(low).toBeGreaterThan(850)
    expect(low).toBeLessThan(1150)
  })

  it("has a span id of its own for each thing that happens to a request", () => {
    const spanIds = ["req_a", "req_b"].flatMap((id) => [
      spanId(id, "stored"),
      ...Array.from({ length: 200 }, (_, n) => [
        spanId(id, `call ${n}`),
        spanId(id, `wait ${n}`),
        spanId(id, `end ${n}`),
      ]).flat(),
    ])
    expect(new Set(spanIds).size).toBe(spanIds.length)
    for (const id of spanIds) expect(id).toMatch(/^(?!0+$)[0-9a-f]{16}$/)
  })
})
