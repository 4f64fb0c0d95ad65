import { scriptSha } from "../../../dev/script-sha.ts"
import { scripts } from "../../../src/queue/scripts.generated.ts"
import type { ScriptName } from "../../../src/queue/store.ts"

export interface Script {
  name: ScriptName
  args: string[]
}

/** One request to the store, as it was sent. */
export interface Packet {
  url: string
  headers: Headers
  body: string
  scripts: Script[]
}

export interface Wire {
  /** What was sent since the last call of this, each text once. */
  take(): Packet[]
  /** Sends a request as it was once sent, and gives the result of each script in it. */
  resend(packet: Packet): Promise<unknown[]>
  close(): void
}

/** Listens to all that this process sends to a REST endpoint; it changes nothing. */
export function tapWire(endpoint: string): Wire {
  const send = globalThis.fetch
  const packets = new Map<string, Packet>()
  globalThis.fetch = (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    if (url.startsWith(endpoint) && typeof init?.body === "string") {
      const { body } = init
      packets.set(url + body, { url, headers: new Headers(init.headers), body, scripts: scriptsIn(body) })
    }
    return send(input, init)
  }
  return {
    take: () => {
      const taken = [...packets.values()]
      packets.clear()
      return taken
    },
    resend: async ({ url, headers, body }) => {
      const response = await send(url, { method: "POST", headers, body })
      const reply = (await response.json()) as { result?: unknown } | { result?: unknown }[]
      return (Array.isArray(reply) ? reply : [reply]).map(({ result }) => result)
    },
    close: () => {
      globalThis.fetch = send
    },
  }
}

const names = new Map<unknown, ScriptName>(
  Object.entries(scripts).flatMap(([name, source]): [unknown, ScriptName][] => [
    [scriptSha(name as ScriptName), name as ScriptName],
    [source, name as ScriptName],
  ]),
)

function scriptsIn(body: string): Packet["scripts"] {
  const parsed = JSON.parse(body) as unknown[]
  const commands = (Array.isArray(parsed[0]) ? parsed : [parsed]) as unknown[][]
  return commands.flatMap(([, script, keyCount, ...rest]) => {
    const name = names.get(script)
    return name === undefined ? [] : [{ name, args: rest.slice(Number(keyCount)).map(String) }]
  })
}
