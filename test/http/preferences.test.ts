import { expect, it } from "vitest"
import { readPreferences } from "../../src/http/preferences.ts"

it.each([
  ["wait=30", { wait: "30" }],
  ["respond-async, wait=10", { "respond-async": "", wait: "10" }],
  ["Wait = 10 ; foo=bar, handling=lenient", { wait: "10", handling: "lenient" }],
  ['wait="20"', { wait: "20" }],
  ['note="a, b; \\"c\\"", wait=5', { note: 'a, b; "c"', wait: "5" }],
  ["wait=1, wait=2", { wait: "1" }],
  ["=3, wait 4, , wait=5", { wait: "5" }],
  ['wait="5', {}],
  ["", {}],
])("reads %j", (header, preferences) => {
  expect(Object.fromEntries(readPreferences(header))).toEqual(preferences)
})
