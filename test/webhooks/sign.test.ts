import { Webhook } from "standardwebhooks"
import { describe, expect, it } from "vitest"
import { newSecret, signedHeaders } from "../../src/webhooks/sign.ts"

const BODY = JSON.stringify({
  type: "request.completed",
  timestamp: "2026-11-24T18:00:00.000Z",
  data: { text: "é 北京 🙂" },
})

describe("a signature", () => {
  it("is what the official library verifies, and what it would make", async () => {
    const secret = newSecret()
    const at = Date.now()
    const headers = await signedHeaders("msg_1", at, BODY, [secret])
    expect(new Webhook(secret).verify(BODY, headers)).toEqual(JSON.parse(BODY))
    expect(headers["webhook-signature"]).toBe(new Webhook(secret).sign("msg_1", new Date(at), BODY))
  })

  it("is made with each secret, newest first, and any of them verifies", async () => {
    const [newest, older] = [newSecret(), newSecret()]
    const headers = await signedHeaders("msg_1", Date.now(), BODY, [newest, older])
    const signatures = headers["webhook-signature"]?.split(" ") ?? []
    expect(signatures).toHaveLength(2)
    expect((await signedHeaders("msg_1", Date.now(), BODY, [newest]))["webhook-signature"]).toBe(
      signatures[0],
    )
    for (const secret of [newest, older])
      expect(() => new Webhook(secret).verify(BODY, headers)).not.toThrow()
    expect(() => new Webhook(newSecret()).verify(BODY, headers)).toThrow("No matching signature")
  })

  it("covers the body, the id and the time", async () => {
    const secret = newSecret()
    const headers = await signedHeaders("msg_1", Date.now(), BODY, [secret])
    const verify =
      (body: string, changes = {}) =>
      () =>
        new Webhook(secret).verify(body, { ...headers, ...changes })
    expect(verify(`${BODY} `)).toThrow()
    expect(verify(BODY, { "webhook-id": "msg_2" })).toThrow()
    const later = String(Number(headers["webhook-timestamp"]) + 1)
    expect(verify(BODY, { "webhook-timestamp": later })).toThrow()
  })

  it("is too old, or too new, for a receiver whose clock is more than five minutes off", async () => {
    const secret = newSecret()
    const signedAt = async (offMs: number) => {
      const headers = await signedHeaders("msg_1", Date.now() + offMs, BODY, [secret])
      return () => new Webhook(secret).verify(BODY, headers)
    }
    expect(await signedAt(-290_000)).not.toThrow()
    expect(await signedAt(290_000)).not.toThrow()
    expect(await signedAt(-310_000)).toThrow("too old")
    expect(await signedAt(310_000)).toThrow("too new")
  })
})

describe("a secret", () => {
  it("has 32 bytes that nobody can guess", () => {
    const secrets = Array.from({ length: 100 }, newSecret)
    expect(new Set(secrets).size).toBe(100)
    for (const secret of secrets) expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  })
})
