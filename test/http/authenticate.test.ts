import { expect, it } from "vitest"
import { createAuthenticate } from "../../src/auth/authenticate.ts"

const KEY = "an-admin-key-for-the-tests"
const authenticate = createAuthenticate(KEY, { findKey: async () => null }, Date.now)

it.each([`Bearer ${KEY}`, `bearer ${KEY}`, `BEARER  ${KEY} `])("knows %j", async (header) => {
  expect(await authenticate(header)).toMatchObject({
    organizationId: "*",
    scopes: expect.arrayContaining(["admin"]),
  })
})

it.each([
  ...[undefined, "", "Bearer", "Bearer ", KEY, `Basic ${KEY}`, `Bearer ${KEY}x`, `Bearer x${KEY}`],
  ...[
    `Bearer ${KEY.slice(0, -1)}`,
    `Bearer ${KEY.toUpperCase()}`,
    `Bearer ${KEY} ${KEY}`,
    `Bearer ${"x".repeat(KEY.length)}`,
  ],
])("does not know %j", async (header) => {
  expect(await authenticate(header)).toBeNull()
})
