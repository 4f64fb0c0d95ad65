import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FILE_START, groupLines, type Line, readLines } from "../../src/batches/read-lines.ts"
import type { LineCursor } from "../../src/queue/batches-contract.ts"
import { collect } from "./collect.ts"

async function* chunksFrom(chunks: string[], first = 0) {
  yield* chunks.slice(first)
}

async function read(chunks: string[], from: LineCursor = FILE_START, maxLength = 1000): Promise<Line[]> {
  return collect(readLines(chunksFrom(chunks, from.chunk), from, maxLength))
}

/** A text and where it is cut into chunks. */
const cutText = fc
  .array(fc.string({ unit: fc.constantFrom("a", "é", " ", "\n", "\r", "\uFEFF", "😀"), maxLength: 12 }))
  .map((chunks) => chunks.filter((chunk) => chunk !== ""))

describe("lines of a file in chunks", () => {
  it("are those of the whole text, wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(cutText, async (chunks) => {
        const found = await read(chunks)
        const expected = chunks
          .join("")
          .split("\n")
          .map((text, i) => ({ text: text.replace(/^\uFEFF/, ""), number: i + 1 }))
          .filter(({ text }) => text.trim() !== "")
          .map((line, index) => ({ ...line, index }))
        expect(found.map(({ next: _, ...line }) => line)).toEqual(expected)
      }),
    )
  })

  it("go on from any line's cursor as if there had been no stop", async () => {
    await fc.assert(
      fc.asyncProperty(cutText, fc.nat(), async (chunks, stop) => {
        const all = await read(chunks)
        const last = all[stop % Math.max(all.length, 1)]
        if (last === undefined) return
        expect(await read(chunks, last.next)).toEqual(all.slice(last.index + 1))
      }),
    )
  })

  it("are not held when they are longer than any may be", async () => {
    const found = await read(
      [`ok\n${"x".repeat(30)}`, "x".repeat(30), `${"x".repeat(30)}\nfine\nnever`],
      FILE_START,
      20,
    )
    expect(found.map(({ text, number }) => [number, text])).toEqual([
      [1, "ok"],
      [2, null],
      [3, "fine"],
      [4, "never"],
    ])
  })

  it("make groups that are bounded by lines and characters", async () => {
    const lines = readLines(chunksFrom([`a\nb\nc\n${"d".repeat(9)}\ne\n`]), FILE_START, 100)
    const groups = await collect(groupLines(lines, 2, 8))
    expect(groups.map((group) => group.map(({ text }) => text))).toEqual([
      ["a", "b"],
      ["c"],
      ["d".repeat(9)],
      ["e"],
    ])
  })
})
