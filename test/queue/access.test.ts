import { expect, test } from "vitest"
import type { AuditEntry } from "../../src/core/audit.ts"
import type { StoredKey } from "../../src/core/contracts/access.ts"
import { newOperationId } from "../../src/core/ids.ts"
import { createAccess } from "../../src/queue/access.ts"
import { createKeys } from "../../src/queue/keys.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const NOW = 1_795_500_000_000
const entry = (action: string, target: string | null = null): AuditEntry => ({
  ...{ at: NOW, action, keyId: "k-admin", organizationId: null, target, ip: "127.0.0.1" },
})

function storedKey(overrides: Partial<StoredKey> = {}): StoredKey {
  return {
    ...{
      keyId: newOperationId(),
      name: "schlüssel 🔑",
      organizationId: "org-1",
      scopes: ["enqueue", "read"],
    },
    ...{ sha256: "ab".repeat(32), createdAt: NOW, expiresAt: null, maxPriority: "high", ratePerMinute: 60 },
    ...overrides,
  }
}

describeQueue("keys, rates and the audit", ({ store, loseAnswerOf }) => {
  const open = (queueName = `access-${newOperationId()}`) => {
    const { url, token } = store()
    return {
      access: createAccess({ redis: { url, token }, queueName, random: () => 0 }),
      keys: createKeys(queueName),
    }
  }
  const loseNext = () => store().bridge.faults.inject({ fault: "drop", when: "after", times: 1 })
  const actions = async ({ access }: ReturnType<typeof open>) =>
    (await access.listAudit(50, null)).data.map(({ action }) => action)

  test("an issued key is found until it is revoked", async () => {
    const opened = open()
    const { access } = opened
    const [older, newer] = [
      storedKey(),
      storedKey({ createdAt: NOW + 1, organizationId: "*", scopes: ["admin"] }),
    ]
    await access.issueKey(older, entry("key.issued", older.keyId))
    await access.issueKey(newer, entry("key.issued", newer.keyId))
    expect(await access.findKey(older.keyId)).toEqual(older)
    expect(await access.listKeys()).toEqual([newer, older])
    expect(await access.revokeKey(older.keyId, entry("key.revoked", older.keyId))).toBe(true)
    expect(await access.findKey(older.keyId)).toBe(null)
    expect(await access.listKeys()).toEqual([newer])
    expect(await access.revokeKey("nobody", entry("key.revoked", "nobody"))).toBe(false)
    // What did not happen is not in the audit.
    expect(await actions(opened)).toEqual(["key.revoked", "key.issued", "key.issued"])
  })

  test("a lost answer issues, revokes and notes once, and tells the truth", async () => {
    const opened = open()
    const key = storedKey()
    loseNext()
    await opened.access.issueKey(key, entry("key.issued", key.keyId))
    loseNext()
    expect(await opened.access.revokeKey(key.keyId, entry("key.revoked", key.keyId))).toBe(true)
    loseNext()
    await opened.access.audit(entry("queue.paused"))
    expect(await actions(opened)).toEqual(["queue.paused", "key.revoked", "key.issued"])
  })

  test("a rate is granted up to its limit, minute by minute and key by key", async () => {
    const { access, keys } = open()
    const minute = Math.floor(NOW / 60_000) * 60_000
    expect(await access.takeRate("k1", minute, 3, 10)).toMatchObject({ granted: 3 })
    expect(await access.takeRate("k1", minute + 59_999, 5, 10)).toMatchObject({ granted: 5 })
    expect(await access.takeRate("k1", minute + 59_999, 5, 10)).toMatchObject({ granted: 2 })
    expect(await access.takeRate("k1", minute + 59_999, 1, 10)).toMatchObject({ granted: 0 })
    expect(await access.takeRate("k2", minute, 1, 10)).toMatchObject({ granted: 1 })
    expect(await access.takeRate("k1", minute + 60_000, 12, 10)).toMatchObject({ granted: 10 })
    expect(await store().redis.ttl(keys.rate("k1", minute / 60_000))).toBeGreaterThan(60)
    const at = minute + 120_000
    const granted = await Promise.all(Array.from({ length: 8 }, () => access.takeRate("k3", at, 2, 9)))
    expect(granted.reduce((sum, each) => sum + each.granted, 0)).toBe(9)
    loseAnswerOf("rate")
    // The lost grant counts as used: a limit is never exceeded.
    expect(await access.takeRate("k4", at, 6, 10)).toMatchObject({ granted: 4 })
  })

  test("the audit is read page by page, newest first", async () => {
    const { access } = open()
    const entries = Array.from({ length: 7 }, (_, i) => entry("auth.refused", `ünïcode ${i} 🦊`))
    for (const each of entries) await access.audit(each)
    const first = await access.listAudit(3, null)
    const second = await access.listAudit(3, first.nextCursor)
    const third = await access.listAudit(3, second.nextCursor)
    expect([...first.data, ...second.data, ...third.data]).toEqual([...entries].reverse())
    expect(third.nextCursor).toBe(null)
  })

  test("a key of another format is refused, not guessed at", async () => {
    const { access, keys } = open()
    await store().redis.hSet(keys.keys, "k1", '2{"keyId":"k1"}')
    const newer = { code: "store_unavailable", message: expect.stringContaining("cannot read") }
    await expect(access.findKey("k1")).rejects.toMatchObject(newer)
    await expect(access.listKeys()).rejects.toMatchObject(newer)
  })
})
