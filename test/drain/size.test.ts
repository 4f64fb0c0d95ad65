import { expect, test } from "vitest"
import { sizeOf } from "../../src/drain/size.ts"

test("is about the length of the JSON when there is more text than structure", () => {
  const value = { messages: [{ role: "user", content: "x".repeat(100_000) }], options: { temperature: 0.2 } }
  expect(sizeOf(value) / JSON.stringify(value).length).toBeCloseTo(1, 2)
})

test("does not mind how deep a request's JSON goes", () => {
  const deep: unknown = JSON.parse("[".repeat(5000) + "]".repeat(5000))
  let deeper = deep
  for (let i = 0; i < 1_000_000; i++) deeper = [deeper]
  expect(sizeOf(deeper)).toBeLessThan(1000)
})
