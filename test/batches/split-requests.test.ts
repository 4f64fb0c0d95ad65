import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { RequestSplitter } from "../../src/batches/split-requests.ts"

function split(text: string, cuts: number[] = [], maxLength = 10_000): unknown[] {
  const splitter = new RequestSplitter(maxLength)
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
  const found = places
    .slice(1)
    .flatMap((end, i) => splitter.push(text.slice(places[i], end)))
    .map((element) => JSON.parse(element) as unknown)
  splitter.end()
  return found
}

/** Texts that look like the frame, or end what they stand in. */
const trickyText = fc.constantFrom(
  '"requests":[',
  "requests",
  "]",
  "}",
  "\\",
  '\\"',
  ",",
  "{",
  "\n",
  "é😀",
  " ",
)
/** None has to be escaped: Node 24 reads `{"x":1,"\\n":2}` with the keys of `{"x":1,"\\\\":2}`, if it read that before. */
const trickyKey = fc.constantFrom("requests", "]", "}", ",", "{", "[", ":", "é😀", " ")
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(trickyText, fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.oneof(trickyKey, fc.constant("a")), tie("value"), { maxKeys: 3 }),
  ),
})).value
const others = fc.dictionary(
  trickyKey.filter((key) => key !== "requests"),
  value,
  { maxKeys: 3 },
)

describe("the requests of a message batch", () => {
  it("are the elements of the array, whatever stands around or in them, and wherever the text is cut", () => {
    fc.assert(
      fc.property(
        ...[others, fc.array(value, { minLength: 1, maxLength: 6 }), others],
        ...[fc.constantFrom(undefined, 2, "\t"), fc.array(fc.nat(), { maxLength: 8 })],
        (before, requests, after, indent, cuts) => {
          const text = JSON.stringify({ ...before, requests, ...after }, null, indent)
          expect(split(text, cuts)).toEqual(requests)
        },
      ),
    )
  })

  it("end each on one line", () => {
    const splitter = new RequestSplitter(1000)
    const [element] = splitter.push('{"requests":[{"a":\r\n1,\n"b":"\\n"}]}')
    expect(element).not.toMatch(/[\r\n]/)
    expect(JSON.parse(element ?? "")).toEqual({ a: 1, b: "\n" })
  })

  it.each([
    ["no end", '{"requests":[{"a":1}'],
    ["a comma too much", '{"requests":[1,]}'],
    ["two closes", '{"requests":[1]]}'],
    ["more than one value", '{"requests":[1]} 1'],
    ["nothing", ""],
  ])("are refused with %s", (_, text) => {
    expect(() => split(text)).toThrow(/not valid JSON/)
  })

  it.each([
    ["there are none", '{"requests":[]}'],
    ["they are no array", '{"requests":{"0":[1]}}'],
    ["they are missing", '{"a":[1]}'],
    ["there are two of them", '{"requests":[1,2],"requests":[3]}'],
    ["they are deeper", '{"a":{"requests":[1]}}'],
  ])("are refused when %s", (_, text) => {
    expect(() => split(text)).toThrow(/at least one request/)
  })

  it("are bounded, and so is what stands around them", () => {
    expect(() => split(`{"requests":["${"x".repeat(200)}`, [], 100)).toThrow(/requests\.0 may have/)
    expect(() => split(`{"a":"${"x".repeat(70_000)}`)).toThrow(/too much beside/)
  })
})
