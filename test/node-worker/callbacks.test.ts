import { expect, test } from "vitest"
import type { Log } from "../../src/core/log.ts"
import { eventually } from "../helpers/eventually.ts"
import { startReceiver } from "../webhooks/receiver.ts"
import { describeWorkers } from "./suite.ts"

describeWorkers("callbacks without a deployed Worker", (scene) => {
  test("are told by the workers, which log that where they log all else", async () => {
    const s = await scene({ WEBHOOK_ALLOW_PRIVATE: "1" })
    const receiver = await startReceiver()
    const events: string[] = []
    const note = (event: string) => {
      events.push(event)
    }
    const log: Log = { info: note, warn: note, error: note }
    try {
      await s.start(1, { log })
      const [id = ""] = await s.enqueue({ text: "call back", callback: { url: receiver.url } })
      await eventually(() => expect(receiver.calls).toHaveLength(1), { withinMs: 20_000 })
      expect(receiver.calls[0]?.headers["webhook-id"]).toBe(`msg_${id.slice(4)}_completed_0`)
      await eventually(() => expect(events).toContain("delivery"))
    } finally {
      await receiver.close()
    }
  })
})
