import { describe, expect, test } from "vitest"
import { redact } from "../../src/providers/redact.ts"

describe("secrets go", () => {
  test.each([
    ["sk-proj-abcdefABCDEF0123", "[redacted]"],
    ["Incorrect API key provided: sk-ab****wxyz.", "Incorrect API key provided: [redacted]"],
    ["sk-ant-api03-AAAA_bbbb-CCCC", "[redacted]"],
    ["key gsk_AbCdEf123456 refused", "key [redacted] refused"],
    ["in organization org-AbCdEf123456 on", "in organization [redacted] on"],
    ["Authorization: Bearer abc", "Authorization: Bearer [redacted]"],
    ["mail to jane.doe+ai@mail.example.com now", "mail to [redacted] now"],
    ["0123456789abcdef0123456789abcdef", "[redacted]"],
    ["data eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9abc+/== end", "data [redacted] end"],
  ])("%s", (text, expected) => {
    expect(redact(text)).toBe(expected)
  })
})

describe("words stay", () => {
  test.each([
    "The model `claude-sonnet-4-5-20250929` does not exist",
    "code unsupported_country_region_territory_of_the_caller",
    "messages.2.content.0: unexpected `tool_use_id`",
    "max_tokens: 99999 > 64000, see https://docs.example.com/errors#limits",
  ])("%s", (text) => {
    expect(redact(text)).toBe(text)
  })
})

test("no text is longer than 500 characters, and none holds line breaks", () => {
  const text = redact("word\n\tword ".repeat(10_000))
  expect(text).toHaveLength(500)
  expect(text).toMatch(/^(word )+.*…$/)
})
