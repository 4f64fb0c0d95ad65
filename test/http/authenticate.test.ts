import { describe, expect, it } from "vitest"
import { createAuthenticate, keyIdOf } from "../../src/auth/authenticate.ts"
import { BOOTSTRAP } from "../../src/auth/principal.ts"
import { createRateLimit } from "../../src/auth/rate.ts"
import type { StoredKey } from "../../src/core/contracts/access.ts"
import { sha256Hex } from "../../src/core/digest.ts"

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

describe("an issued key", () => {
  const issued = `aiq_${"k".repeat(43)}`
  const stored = async (changes: Partial<StoredKey> = {}): Promise<StoredKey> => {
    const sha256 = await sha256Hex(issued)
    return {
      ...{ keyId: keyIdOf(sha256), name: "web", organizationId: "org-1", scopes: ["read"], sha256 },
      ...{ createdAt: 0, expiresAt: null, maxPriority: null, ratePerMinute: null, ...changes },
    }
  }

  it("is asked for once in 20 s, and stops working when it is gone by then", async () => {
    let now = 1_000_000
    let known: StoredKey | null = await stored()
    const asked: string[] = []
    const findKey = async (keyId: string) => {
      asked.push(keyId)
      return known
    }
    const check = createAuthenticate(KEY, { findKey }, () => now)
    expect(await check(`Bearer ${issued}`)).toMatchObject({ organizationId: "org-1", scopes: ["read"] })
    known = null
    now += 19_999
    expect(await check(`Bearer ${issued}`)).not.toBeNull()
    expect(asked).toHaveLength(1)
    now += 1
    expect(await check(`Bearer ${issued}`)).toBeNull()
    now += 19_999
    expect(await check(`Bearer ${issued}`)).toBeNull()
    expect(asked).toHaveLength(2)
  })

  it("stops at its expiry, cached or not", async () => {
    let now = 1_000_000
    const key = await stored({ expiresAt: now + 5000 })
    const check = createAuthenticate(KEY, { findKey: async () => key }, () => now)
    now += 4999
    expect(await check(`Bearer ${issued}`)).not.toBeNull()
    now += 1
    expect(await check(`Bearer ${issued}`)).toBeNull()
  })

  it("is not another whose id begins the same", async () => {
    const key = await stored({ sha256: `${(await sha256Hex(issued)).slice(0, 16)}${"0".repeat(48)}` })
    const check = createAuthenticate(KEY, { findKey: async () => key }, Date.now)
    expect(await check(`Bearer ${issued}`)).toBeNull()
  })
})

describe("a key's rate", () => {
  it("is never exceeded in a minute over several isolates, and begins anew", async () => {
    let now = 120_000
    const used = new Map<number, number>()
    const takeRate = async (_: string, at: number, wanted: number, perMinute: number) => {
      const minute = Math.floor(at / 60_000)
      const granted = Math.max(Math.min(wanted, perMinute - (used.get(minute) ?? 0)), 0)
      used.set(minute, (used.get(minute) ?? 0) + granted)
      return { granted, used: used.get(minute) ?? 0 }
    }
    const isolates = Array.from({ length: 3 }, () => createRateLimit({ takeRate }, () => now))
    const caller = { ...BOOTSTRAP, keyId: "k", ratePerMinute: 25 }
    const allowed = async () => {
      const ends = await Promise.allSettled(Array.from({ length: 90 }, (_, i) => isolates[i % 3]?.(caller)))
      return ends.filter(({ status }) => status === "fulfilled").length
    }
    expect(await allowed()).toBeLessThanOrEqual(25)
    now += 60_000
    const next = await allowed()
    expect(next).toBeLessThanOrEqual(25)
    expect(next).toBeGreaterThan(15)
    await expect(isolates[0]?.(caller)).rejects.toMatchObject({ code: "rate_limited", retryAfterSeconds: 60 })
    await isolates[0]?.({ ...caller, ratePerMinute: null })
  })
})
