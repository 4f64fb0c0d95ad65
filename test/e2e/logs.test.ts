import { expect, it } from "vitest"
import { documentedFetch } from "../helpers/documented.ts"
import { eventually } from "../helpers/eventually.ts"
import { chat, createApi } from "../helpers/requests.ts"
import { createCheckout, startStack } from "../helpers/stack.ts"

const MARKER = "MARKER-7f3a"

it("logs ids, codes and times, and never a prompt, an answer or a key", async () => {
  const checkout = createCheckout("embedded")
  const stack = await startStack(checkout, { DEBUG: "1" })
  try {
    const api = createApi(stack.url)
    const { key } = await api.call<{ key: string }>("POST", "/v1/keys", 201, {
      name: "a tenant",
      organizationId: "org-1",
      scopes: ["enqueue", "read"],
    })
    const headers = { "Content-Type": "application/json" }
    const send = (authorization: string, body: string) =>
      documentedFetch(`${stack.url}/v1/requests`, {
        method: "POST",
        headers: { ...headers, Authorization: authorization, "Idempotency-Key": MARKER },
        body,
      })
    expect((await send(`Bearer ${MARKER}-a-wrong-key`, "{}")).status).toBe(401)
    expect((await send(`Bearer ${key}`, `{"messages": "${MARKER}`)).status).toBe(400)
    expect((await send(`Bearer ${key}`, `{"provider": "openai", "${MARKER}": 1}`)).status).toBe(400)

    const answered = await api.enqueue(chat("deepseek", MARKER))
    const refused = await api.enqueue(
      chat("anthropic", `[[sim: error=rejected message="${MARKER}"]] ${MARKER}`),
    )
    const broken = await api.enqueue(chat("openai", `[[sim: fault=malformed_json times=1]] ${MARKER}`))
    const ids = [answered, refused, broken]
    await api.completed([answered, broken])
    await eventually(async () => (await api.status(refused))?.state === "failed")
    await eventually(() => ids.every((id) => stack.output.includes(id)))

    // The answer did hold it: the simulator repeats what it is asked.
    expect(JSON.stringify((await api.status(answered))?.response)).toContain(MARKER)
    expect(stack.output).not.toContain(MARKER)
    expect(stack.output).not.toContain(key)
    expect(stack.output).toContain('"event":"attempt"')
  } finally {
    await stack.stop()
    await checkout.remove()
  }
})
