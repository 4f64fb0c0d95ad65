import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { deliveryIdOf } from "../../src/core/delivery.ts"
import type { StoredDelivery } from "../../src/queue/deliveries.ts"
import { createKeys } from "../../src/queue/keys.ts"
import { createWebhookStore, type WebhookStore } from "../../src/queue/webhooks.ts"
import { createWebhookSecrets } from "../../src/webhooks/secrets.ts"
import { createTestClock, type TestClock } from "../helpers/queue.ts"
import { storesUnderTest, type TestStore } from "../helpers/store.ts"

const DAY_MS = 86_400_000
const BODY = { url: "https://example.com/hook?token=1", body: '{"type":"request.completed"}\n{}' }

describe.each(storesUnderTest())("webhooks in the $name store", ({ start }) => {
  let store: TestStore
  let clock: TestClock
  let webhooks: WebhookStore
  const keys = createKeys("hooks")
  const open = () =>
    createWebhookStore({
      redis: { url: store.url, token: store.token },
      queueName: "hooks",
      clock,
      random: () => 0,
    })
  beforeAll(async () => {
    store = await start()
  })
  afterAll(() => store.close())
  beforeEach(async () => {
    await store.flush()
    clock = createTestClock()
    webhooks = open()
  })

  function delivery(number: number, changes: Partial<StoredDelivery> = {}): StoredDelivery {
    const requestId = `req_1m8650amf0${String(number).padStart(3, "0")}5356tsz986`
    return {
      ...{ deliveryId: deliveryIdOf({ requestId, state: "completed", replays: 0 }), requestId },
      ...{ organizationId: "org-1", type: "request.completed", url: "https://example.com/hook" },
      ...{ state: "delivered", attempts: [], nextAttemptAt: null, createdAt: clock() },
      ...{ tries: 1, until: clock() + DAY_MS },
      ...changes,
    }
  }

  describe("a delivery", () => {
    it("is read with its body, which is dropped when it is no longer needed", async () => {
      const written = delivery(1, { state: "failed" })
      await webhooks.deliveries.write(written, BODY)
      expect(await webhooks.deliveries.read(written.deliveryId)).toEqual({ delivery: written, body: BODY })
      await webhooks.deliveries.write({ ...written, state: "delivered" }, "dropped")
      const { delivery: read, body } = await webhooks.deliveries.read(written.deliveryId)
      expect({ state: read?.state, body }).toEqual({ state: "delivered", body: null })
    })

    it("leaves nothing that has no end", async () => {
      await webhooks.deliveries.write(delivery(1), BODY)
      await webhooks.deliveries.block("org-1", "abc", 60)
      const all = await store.redis.sendCommand<string[]>(["KEYS", "*"])
      expect(all).toHaveLength(3)
      for (const key of all) {
        const ttl = await store.redis.sendCommand<number>(["TTL", key])
        expect(ttl).toBeGreaterThan(0)
      }
    })

    it("is found by its request, and not by another", async () => {
      await webhooks.deliveries.write(delivery(1), "as it is")
      await webhooks.deliveries.write(delivery(2), "as it is")
      const { requestId, tries: _, until: __, ...shown } = delivery(1)
      expect(await webhooks.deliveries.ofRequest(requestId)).toEqual([{ requestId, ...shown }])
    })

    it("of a newer version is refused clearly", async () => {
      const { requestId, deliveryId } = delivery(1)
      await store.redis.sendCommand(["HSET", keys.delivery(requestId), deliveryId, '2{"a":1}'])
      await expect(webhooks.deliveries.read(deliveryId)).rejects.toThrow("cannot read (delivery 2")
    })
  })

  describe("a list", () => {
    it("goes from the newest to the oldest, page by page, over the days, each delivery once", async () => {
      const ids: string[] = []
      for (let number = 0; number < 12; number++) {
        const written = delivery(number)
        await webhooks.deliveries.write(written, "as it is")
        ids.unshift(written.deliveryId)
        clock.advance(number % 3 === 0 ? 0 : DAY_MS / 2)
      }
      const read: string[] = []
      let cursor: string | null = null
      for (let page = 0; page < 6; page++) {
        const filter = { organizationId: "org-1", state: null, limit: 5, cursor }
        const { data, nextCursor } = await webhooks.deliveries.list(filter)
        read.push(...data.map(({ deliveryId }) => deliveryId))
        cursor = nextCursor
        if (cursor === null) break
      }
      expect(cursor).toBeNull()
      expect(read).toEqual([...ids].sort((a, b) => ids.indexOf(a) - ids.indexOf(b)))
      expect(new Set(read).size).toBe(12)
    })

    it("is one organization's, and of one state when asked", async () => {
      await webhooks.deliveries.write(delivery(1, { state: "failed" }), BODY)
      await webhooks.deliveries.write(delivery(2), "as it is")
      await webhooks.deliveries.write(delivery(3, { organizationId: "org-2" }), "as it is")
      const list = async (organizationId: string, state: "failed" | null) => {
        const { data } = await webhooks.deliveries.list({ organizationId, state, limit: 20, cursor: null })
        return data.map(({ requestId }) => requestId)
      }
      expect(await list("org-1", null)).toEqual([delivery(2).requestId, delivery(1).requestId])
      expect(await list("org-1", "failed")).toEqual([delivery(1).requestId])
      expect(await list("org-3", null)).toEqual([])
    })
  })

  describe("secrets", () => {
    const secrets = () => createWebhookSecrets(webhooks.secrets, clock)
    const signing = async () => {
      const { secrets: known } = await webhooks.deliveries.receiver("org-1", "abc")
      return secrets().signing("org-1", known)
    }

    it("rotate: the new one signs first, the one before for a day too", async () => {
      const first = await secrets().issue("org-1", "whs_1", null)
      const second = await secrets().issue("org-1", "whs_2", null)
      expect(await signing()).toEqual([second.secret, first.secret])
      clock.advance(DAY_MS - 1)
      expect(await signing()).toEqual([second.secret, first.secret])
      clock.advance(1)
      expect(await signing()).toEqual([second.secret])
      expect((await secrets().list("org-1")).map(({ secretId }) => secretId)).toEqual(["whs_2"])
    })

    it("keep what each was promised when they rotate quickly, but no more than five", async () => {
      for (let number = 1; number <= 7; number++) await secrets().issue("org-1", `whs_${number}`, null)
      const ids = (await secrets().list("org-1")).map(({ secretId }) => secretId)
      expect(ids).toEqual(["whs_7", "whs_6", "whs_5", "whs_4", "whs_3"])
    })

    it("are made once when there are none, also by two who need them at once", async () => {
      const [one, other] = await Promise.all([signing(), signing()])
      expect(one).toHaveLength(1)
      expect(other).toEqual(one)
      expect(await signing()).toEqual(one)
    })

    it("are all kept when two are issued at once", async () => {
      await Promise.all(["whs_1", "whs_2", "whs_3"].map((id) => secrets().issue("org-1", id, null)))
      expect((await secrets().list(null)).map(({ secretId }) => secretId).sort()).toEqual([
        "whs_1",
        "whs_2",
        "whs_3",
      ])
    })

    it("end at once, and only for whom they are", async () => {
      const audit = {
        at: 1,
        action: "webhook_secret.ended",
        keyId: "k",
        organizationId: "*",
        target: "whs_1",
        ip: null,
      }
      const first = await secrets().issue("org-1", "whs_1", null)
      await secrets().issue("org-1", "whs_2", null)
      expect(await secrets().end("whs_2", "org-2", audit)).toBe(false)
      expect(await secrets().end("whs_2", null, audit)).toBe(true)
      expect(await secrets().end("whs_2", null, audit)).toBe(false)
      expect(await signing()).toEqual([first.secret])
    })
  })

  describe("a receiver that is gone", () => {
    it("is so for that organization and that URL alone, until it is lifted", async () => {
      const isGone = async (organizationId: string, urlHash: string) =>
        (await webhooks.deliveries.receiver(organizationId, urlHash)).isGone
      await webhooks.deliveries.block("org-1", "abc", 60)
      expect(await isGone("org-1", "abc")).toBe(true)
      expect(await isGone("org-2", "abc")).toBe(false)
      expect(await isGone("org-1", "def")).toBe(false)
      await webhooks.deliveries.unblock("org-1", "abc")
      expect(await isGone("org-1", "abc")).toBe(false)
    })
  })
})
