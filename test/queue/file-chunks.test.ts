import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { cutChunk, MAX_CHUNK_BYTES } from "../../src/queue/file-chunks.ts"
import { createWriter, WRITE_CHUNKS } from "../../src/queue/file-writer.ts"
import type { Intake } from "../../src/queue/files-contract.ts"

const encoder = new TextEncoder()

/** Everything that costs differently in JSON, and lines of it. */
const texts = fc
  .array(
    fc.constantFrom("a", '"', "\\", "\n", "\r", "\u0001", "\u007f", "ß", "語", "\u2028", "🦊", "\ufeff"),
    {
      minLength: 1,
      maxLength: 20,
    },
  )
  .chain((units) => fc.integer({ min: 1, max: 400_000 }).map((times) => units.join("").repeat(times)))
  .filter((text) => text.length < 4_000_000)

function cutAll(text: string): string[] {
  const chunks: string[] = []
  for (let rest = text; rest !== ""; ) {
    const cut = cutChunk(rest)
    chunks.push(cut.chunk)
    rest = cut.rest
  }
  return chunks
}

interface TakenIn extends Intake {
  text: string
  groups: number[]
}

/** What a writer makes of these bytes, cut at `cuts`. */
async function takeIn(bytes: Uint8Array, cuts: number[]): Promise<TakenIn> {
  const chunks: string[] = []
  const groups: number[] = []
  const writer = createWriter({
    maxBytes: 1e9,
    put: async (number, group) => {
      expect(number).toBe(chunks.length)
      chunks.push(...group)
      groups.push(group.length)
    },
    remove: async () => undefined,
  })
  const at = [...new Set([0, ...cuts.map((cut) => cut % bytes.length), bytes.length])].sort((a, b) => a - b)
  for (const [i, from] of at.entries()) {
    if (i + 1 < at.length) await writer.write(bytes.subarray(from, at[i + 1]))
  }
  return { ...(await writer.finish()), text: chunks.join(""), groups }
}

describe("chunks", () => {
  test("of any text are well-formed, fit the store, and make up the text", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const chunks = cutAll(text)
        expect(chunks.join("") === text).toBe(true)
        for (const chunk of chunks) {
          expect(chunk.isWellFormed()).toBe(true)
          expect(encoder.encode(JSON.stringify(chunk)).length - 2).toBeLessThanOrEqual(MAX_CHUNK_BYTES)
        }
        // None is wastefully short.
        for (const [i, chunk] of chunks.entries()) {
          const both = encoder.encode(JSON.stringify(chunk + (chunks[i + 1] ?? ""))).length - 2
          if (i + 1 < chunks.length) expect(both).toBeGreaterThan(MAX_CHUNK_BYTES / 2)
        }
      }),
      { numRuns: 25 },
    )
  })

  test("end with whole lines", () => {
    const line = `${JSON.stringify({ custom_id: "a", body: "x".repeat(3000) })}\n`
    const chunks = cutAll(line.repeat(2000))
    expect(chunks.length).toBeGreaterThan(5)
    for (const chunk of chunks) expect(chunk.endsWith("\n")).toBe(true)
  })

  test("a line that is longer than a chunk goes on in the next one", () => {
    const text = `${"é".repeat(700_000)}\n${"b".repeat(10)}`
    expect(cutAll(text).map((chunk) => chunk.length)).toEqual([500_000, 200_011])
  })
})

describe("what comes in pieces", () => {
  test("is the same text wherever it was cut", async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.nat(), { maxLength: 20 }), async (text, cuts) => {
        const bytes = encoder.encode(text)
        const taken = await takeIn(bytes, cuts)
        expect(taken.text === text).toBe(true)
        expect(taken).toMatchObject({ bytes: bytes.length, lead: [], tail: [] })
        expect(taken.groups.every((size) => size <= WRITE_CHUNKS)).toBe(true)
      }),
      { numRuns: 25 },
    )
  })

  test("may be the middle of a text: what is cut off at its ends is told", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }),
        fc.nat(),
        fc.nat(),
        fc.array(fc.nat(), { maxLength: 8 }),
        async (text, one, other, cuts) => {
          const whole = encoder.encode(text)
          const [from = 0, to = 0] = [one % whole.length, other % (whole.length + 1)].sort((a, b) => a - b)
          if (from === to) return
          const bytes = whole.subarray(from, to)
          const { lead, tail, text: middle } = await takeIn(bytes, cuts)
          expect([...lead, ...encoder.encode(middle), ...tail]).toEqual([...bytes])
          expect(Math.max(lead.length, tail.length)).toBeLessThanOrEqual(3)
        },
      ),
      { numRuns: 300 },
    )
  })

  test.each([
    ["bytes that no text has", [0x61, 0xff, 0x62]],
    ["four bytes that go on", [0x80, 0x80, 0x80, 0x80]],
    ["a surrogate", [0xed, 0xa0, 0x80, 0x61]],
    ["a character in more bytes than it needs", [0xc0, 0x80, 0x61]],
    ["a character that breaks off", [0xe2, 0x82, 0x61]],
  ])("%s: refused", async (_, bytes) => {
    await expect(takeIn(Uint8Array.from(bytes), [1, 2, 3])).rejects.toMatchObject({ code: "invalid_request" })
  })
})
