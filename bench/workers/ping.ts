/** The floor: one round trip to the store and nothing else, through the client and the settings that the queue has. */
import { Store } from "../../src/queue/store.ts"

interface Env {
  UPSTASH_REDIS_REST_URL: string
  UPSTASH_REDIS_REST_TOKEN: string
}

let store: Store | undefined

export default {
  async fetch(_request: Request, env: Env): Promise<Response> {
    const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env
    store ??= new Store({ url, token, queueName: "ping", random: Math.random })
    const [reply] = await store.query<[string]>("ping", [["PING"]])
    return Response.json(reply)
  },
}
