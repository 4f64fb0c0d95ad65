import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from "node:http"
import { Agent as HttpsAgent, request as httpsRequest } from "node:https"
import { text } from "node:stream/consumers"
import type { StoreAddress, Transport } from "../compose.ts"

const SYNC_TOKEN = "upstash-sync-token"

/**
 * Carries commands to the store by Node's own HTTP client over connections that are kept: a third of the processor's time that
 * its `fetch` takes. Rejects as the store's other transport does: what Redis said, or why there was no answer.
 */
export function createNodeTransport({ url, token }: StoreAddress, timeoutMs: number): Transport {
  const base = new URL(url)
  const isSecure = base.protocol === "https:"
  const agent = isSecure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
  const open = isSecure ? httpsRequest : httpRequest
  const prefix = base.pathname.replace(/\/$/, "")
  // The store answers from no older state than the one that it last told of.
  let syncToken = ""

  async function exchange(path: string, body: Buffer): Promise<IncomingMessage & { body: string }> {
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "content-length": body.length,
      [SYNC_TOKEN]: syncToken,
    }
    const call = open(base, { agent, method: "POST", path, headers })
    const timer = setTimeout(() => call.destroy(new DOMException("", "TimeoutError")), timeoutMs)
    try {
      const response = await responseOf(call, body)
      return Object.assign(response, { body: await text(response) })
    } finally {
      clearTimeout(timer)
      // A store that answers before it has read everything may never read the rest.
      if (!call.writableFinished) call.destroy()
    }
  }

  return {
    request: async ({ path = [], body }) => {
      const response = await exchange(`${prefix}/${path.join("/")}`, Buffer.from(JSON.stringify(body)))
      syncToken = String(response.headers[SYNC_TOKEN] ?? syncToken)
      const answer = JSON.parse(response.body) as { error?: string }
      if (response.statusCode !== 200) throw new Error(answer.error ?? "")
      return answer
    },
  }
}

function responseOf(call: ClientRequest, body: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(new Error("closed"))
    call.once("response", resolve).once("error", reject).once("close", closed).end(body)
  })
}
