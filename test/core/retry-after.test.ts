import { describe, expect, test } from "vitest"
import { parseDuration, readRetryAfter, readShouldRetry, untilInstant } from "../../src/core/retry-after.ts"

const NOW = Date.parse("2026-11-05T12:00:00Z")

describe("retry-after", () => {
  test.each<[Record<string, string>, number | null]>([
    [{}, null],
    [{ "retry-after": "8" }, 8000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "1.5" }, 1500],
    [{ "retry-after": " 2 " }, 2000],
    [{ "retry-after-ms": "312" }, 312],
    [{ "retry-after-ms": "312.4" }, 313],
    [{ "retry-after-ms": "20", "retry-after": "1" }, 20],
    [{ "retry-after-ms": "soon", "retry-after": "1" }, 1000],
    [{ "retry-after": "Thu, 05 Nov 2026 12:00:30 GMT" }, 30_000],
    [{ "retry-after": "Thu, 05 Nov 2026 11:00:00 GMT" }, 0],
    [{ "retry-after": "-1" }, null],
    [{ "retry-after": "soon" }, null],
    [{ "retry-after": "" }, null],
    [{ "retry-after": "Infinity" }, null],
  ])("%j asks for %j ms", (headers, expected) => {
    expect(readRetryAfter(new Headers(headers), NOW)).toBe(expected)
  })

  test.each<[string, boolean | null]>([
    ["true", true],
    ["false", false],
    ["perhaps", null],
  ])("x-should-retry: %s", (value, expected) => {
    expect(readShouldRetry(new Headers({ "x-should-retry": value }))).toBe(expected)
  })
})

test.each<[string | null, number | null]>([
  ["12ms", 12],
  ["1s", 1000],
  ["8.64s", 8640],
  ["6m0s", 360_000],
  ["1h2m3.5s", 3_723_500],
  ["2d", 172_800_000],
  ["5", null],
  ["5 s", null],
  ["", null],
  [null, null],
])("the duration %j is %j ms", (text, expected) => {
  expect(parseDuration(text)).toBe(expected)
})

test.each<[string | null, number | null]>([
  ["2026-11-05T12:00:10Z", 10_000],
  ["2026-11-05T12:00:00.250Z", 250],
  ["2026-11-05T11:59:00Z", 0],
  ["tomorrow", null],
  [null, null],
])("the instant %j is %j ms away", (text, expected) => {
  expect(untilInstant(text, NOW)).toBe(expected)
})
