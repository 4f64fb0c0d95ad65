import { once } from "node:events"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { Webhook } from "standardwebhooks"

export interface ReceivedCall {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** What it answers: a status with headers, or anything else with the response in hand. */
type Behaviour = { status: number; headers?: Record<string, string> } | ((response: ServerResponse) => void)

export interface Receiver {
  url: string
  calls: ReceivedCall[]
  /** The greatest number of calls that were in progress at once. */
  readonly busiest: number
  /** Of the next calls, in order; the last one goes on. */
  behave(...behaviours: Behaviour[]): void
  close(): Promise<void>
}

/** A receiver of webhooks on a real socket. */
export async function startReceiver(): Promise<Receiver> {
  let behaviours: Behaviour[] = [{ status: 204 }]
  let busy = 0
  const receiver = { calls: [] as ReceivedCall[], busiest: 0 }
  const server = createServer(async (request, response) => {
    busy += 1
    receiver.busiest = Math.max(receiver.busiest, busy)
    response.once("close", () => {
      busy -= 1
    })
    receiver.calls.push({ path: request.url ?? "", headers: request.headers, body: await text(request) })
    const behaviour = (behaviours.length > 1 ? behaviours.shift() : behaviours[0]) ?? { status: 204 }
    if (typeof behaviour === "function") behaviour(response)
    else response.writeHead(behaviour.status, behaviour.headers).end()
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behave: (...next: Behaviour[]) => {
      behaviours = next
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  })
}

/** Which of the signatures of a call this secret made, from 0; null: none. Whatever the receiver's clock says. */
export function signedBy(secret: string, { headers, body }: ReceivedCall): number | null {
  const at = new Date(Number(headers["webhook-timestamp"]) * 1000)
  const own = new Webhook(secret).sign(String(headers["webhook-id"]), at, body)
  const place = String(headers["webhook-signature"]).split(" ").indexOf(own)
  return place === -1 ? null : place
}
