import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"
import { json } from "node:stream/consumers"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import { AIRequestQueue } from "../../src/library/index.ts"
import { createApi } from "../helpers/requests.ts"
import {
  ADMIN_KEY,
  type Checkout,
  createCheckout,
  type Stack,
  stackStores,
  startStack,
} from "../helpers/stack.ts"

const PROJECT = resolve(import.meta.dirname, "../..")
const run = promisify(execFile)
const isInstalled = (program: string) => spawnSync(program, ["--version"]).status === 0

let checkout: Checkout
let stack: Stack
beforeAll(async () => {
  checkout = createCheckout(stackStores.at(-1) ?? "embedded")
  stack = await startStack(checkout)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await stack.stop()
  await checkout.remove()
})

/** Runs an example as its first lines say, against this stack. */
async function runExample(program: string, path: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, AIQ_URL: stack.url, AIQ_KEY: ADMIN_KEY, PYTHONDONTWRITEBYTECODE: "1" }
  const file = join(PROJECT, "examples", path)
  return (await run(program, [file, ...args], { cwd: PROJECT, env, timeout: 60_000 })).stdout
}

const list = () =>
  createApi(stack.url).call<{ data: { requestId: string; state: string }[] }>(
    "GET",
    "/v1/requests?organizationId=org-123&limit=100",
    200,
  )

async function calls(tag: string): Promise<{ result: string }[]> {
  const answer = await fetch(`${stack.addresses.simulatorUrl}/__calls?tag=${encodeURIComponent(tag)}`)
  return ((await answer.json()) as { calls: { result: string }[] }).calls
}

const FAULTS = { fault: "drop", when: "after", contains: scriptSha("enqueue"), times: 4 }

async function faults(method: string, body?: unknown): Promise<{ fired: number }[]> {
  const { url, token } = stack.addresses.bridge
  const answer = await fetch(`${url}/__faults`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return ((await answer.json()) as { faults: { fired: number }[] }).faults
}

/** The store executes an enqueue, but its answer is lost as often as the Worker tries, so that the API answers 503. */
async function losingAnswers<Result>(act: () => Promise<Result>): Promise<Result> {
  await faults("POST", FAULTS)
  const result = await act()
  expect(await faults("GET")).toMatchObject([{ fired: 4 }])
  await faults("DELETE")
  return result
}

describe("examples/anthropic-sdk.ts", () => {
  it("prints a whole answer, one that streams, and one that came later", async () => {
    const question = "What does Anthropic's SDK ask?"
    const printed = await runExample(process.execPath, "anthropic-sdk.ts", question)
    const [answer, stream, later] = printed.trim().split("\n")
    for (const line of [answer, stream, later]) expect(line).toContain(question)
    expect(stream).toContain("openai/gpt-5-mini")
    expect(later).toMatch(/^completed: /)
  })
})

describe("examples/typescript", () => {
  it("prints the answer", async () => {
    const text = "What does TypeScript ask?"
    expect(await runExample(process.execPath, "typescript/ask.ts", text)).toContain(text)
  })

  it("cancels what takes too long, and tells when it was too late for that", async () => {
    const { ask, cancel, enqueue, waitFor } = await importExample()
    const slow = "Slow [[sim: latencyMs=20000]]"
    await expect(ask(slow, 1_000)).rejects.toThrow(/^req_\S+ took too long and was cancelled$/)
    const [newest] = (await list()).data
    expect(newest?.state).toBe("cancelled")

    const requestId = await enqueue(chatOf("Quick"))
    expect(await waitFor(requestId)).toMatchObject({ state: "completed" })
    expect(await cancel(requestId)).toBe(false)
    await expect(cancel("req_unknown")).rejects.toMatchObject({ status: 404, code: "not_found" })
  })

  it("says why a request failed", async () => {
    const { ask } = await importExample()
    await expect(ask("Bad [[sim: error=rejected]]")).rejects.toThrow(/^provider_rejected: /)
  })

  it("stores and executes once what was stored while the answer was lost", async () => {
    const { enqueue, waitFor } = await importExample()
    const text = "Lost on the way back, TypeScript"
    await enqueue(chatOf("So that the store knows the script"))
    const requestId = await losingAnswers(() => enqueue(chatOf(text)))
    expect(await waitFor(requestId)).toMatchObject({ state: "completed" })
    expect(await calls(text)).toHaveLength(1)
  })

  /** It reads its environment when it is loaded. */
  function importExample() {
    vi.stubEnv("AIQ_URL", stack.url)
    vi.stubEnv("AIQ_KEY", ADMIN_KEY)
    return import("../../examples/typescript/ask.ts")
  }
})

describe("examples/openai-sdk.ts", () => {
  it("prints an answer, a stream and a response", async () => {
    const text = "What does OpenAI's SDK ask?"
    const lines = (await runExample(process.execPath, "openai-sdk.ts", text)).trim().split("\n")
    const said = ["answer: ", "stream: ", "completed: "]
    expect(lines).toEqual(
      said.map((start) => expect.stringMatching(new RegExp(`^${start}.*OpenAI's SDK ask`))),
    )
  })
})

describe.runIf(isInstalled("python3"))("examples/python", () => {
  it("prints the answer, also when the enqueue's own answer was lost", async () => {
    const text = "What does Python ask?"
    expect(await losingAnswers(() => runExample("python3", "python/ask.py", text))).toContain(text)
    expect(await calls(text)).toHaveLength(1)
  })

  it("says why a request failed, and gives up on what takes too long", async () => {
    await expect(runExample("python3", "python/ask.py", "Bad [[sim: error=rejected]]")).rejects.toThrow(
      "provider_rejected",
    )
    const slow = `import sys; sys.path.insert(0, "examples/python"); import ask; ask.ask("Slow [[sim: latencyMs=20000]]", 1)`
    const env = { ...process.env, AIQ_URL: stack.url, AIQ_KEY: ADMIN_KEY, PYTHONDONTWRITEBYTECODE: "1" }
    await expect(run("python3", ["-c", slow], { cwd: PROJECT, env })).rejects.toThrow("was cancelled")
    const [newest] = (await list()).data
    expect(newest?.state).toBe("cancelled")
  })
})

describe.runIf(isInstalled("curl"))("examples/curl.sh", () => {
  it("goes through the whole tour", async () => {
    const output = await runExample("sh", "curl.sh")
    const [enqueued, request, bulk, cancelled, stats, health] = output.trim().split("\n")
    expect(enqueued).toMatch(/^enqueued req_\w+$/)
    expect(JSON.parse(request ?? "")).toMatchObject({ state: "completed", priority: "high", simulated: true })
    expect(JSON.parse(bulk ?? "").requests).toMatchObject([{ state: "pending" }, { state: "scheduled" }])
    expect(JSON.parse(cancelled ?? "")).toEqual({
      requestId: JSON.parse(bulk ?? "").requests[1].requestId,
      state: "cancelled",
    })
    expect(JSON.parse(stats ?? "").counts.completed).toBeGreaterThan(0)
    expect(JSON.parse(health ?? "")).toEqual({ status: "ok" })
  })
})

describe("examples/next-route-handler", () => {
  it("asks with a tenant's key, and answers what the browser may know", async () => {
    const api = createApi(stack.url)
    const { key } = await api.call<{ key: string }>("POST", "/v1/keys", 201, {
      name: "next",
      organizationId: "web-app",
      scopes: ["enqueue", "read"],
    })
    vi.stubEnv("AIQ_URL", stack.url)
    vi.stubEnv("AIQ_KEY", key)
    const { GET, POST } = await import("../../examples/next-route-handler/app/api/ask/route.ts")
    const post = (body: unknown, headers: Record<string, string> = {}) =>
      POST(new Request("http://app/api/ask", { method: "POST", headers, body: JSON.stringify(body) }))
    const read = (requestId: string) => GET(new Request(`http://app/api/ask?requestId=${requestId}`))

    expect((await post({})).status).toBe(400)
    const twice = { "Idempotency-Key": "a-click" }
    const [first, second] = [await post({ question: "Why?" }, twice), await post({ question: "Why?" }, twice)]
    expect([first.status, second.status]).toEqual([202, 202])
    const { requestId } = (await first.json()) as { requestId: string }
    expect(await second.json()).toEqual({ requestId })

    await api.completed([requestId])
    const answer = await read(requestId)
    expect(await answer.json()).toEqual({
      state: "completed",
      answer: expect.stringContaining("Why?"),
      error: null,
    })
    expect((await read("req_unknown")).status).toBe(404)
    expect(await api.status(requestId)).toMatchObject({ organizationId: "web-app", priority: "high" })
  })
})

describe("examples/node-service", () => {
  let service: ChildProcess
  let url: string
  let env: Record<string, string>
  beforeAll(async () => {
    const { bridge, simulatorUrl } = stack.addresses
    env = {
      ...{ UPSTASH_REDIS_REST_URL: bridge.url, UPSTASH_REDIS_REST_TOKEN: bridge.token, QUEUE_NAME: "dev" },
      ...{ ALLOW_SIMULATOR: "1", SIMULATOR_URL: simulatorUrl ?? "", PORT: "0" },
    }
    service = spawn(process.execPath, [join(PROJECT, "examples/node-service/service.ts")], { env })
    const lines = createInterface({ input: service.stdout ?? process.stdin })
    const [said] = (await once(lines, "line")) as [string]
    url = `http://127.0.0.1:${/"port":(\d+)/.exec(said)?.[1]}/questions`
  })
  afterAll(async () => {
    const exited = once(service, "exit")
    service.kill("SIGTERM")
    expect(await exited).toEqual([0, null])
  })

  const runScript = async (name: string, args: string[], more: Record<string, string> = {}) => {
    const file = join(PROJECT, "examples/node-service", name)
    return (await run(process.execPath, [file, ...args], { env: { ...env, ...more }, timeout: 60_000 }))
      .stdout
  }

  it("ask.ts prints the answer", async () => {
    const question = "What does the library ask?"
    expect(await runScript("ask.ts", [question])).toMatch(new RegExp(`^completed .*${question.slice(0, -1)}`))
  })

  it("work.ts completes what waits for its own service", async () => {
    const providers = [{ name: "my-service", baseUrl: "http://127.0.0.1:9/v1", wireFormat: "openai-chat" }]
    const { url: restUrl, token } = stack.addresses.bridge
    const queue = new AIRequestQueue({
      ...{
        redis: { url: restUrl, token },
        queueName: "dev",
        env: { CUSTOM_PROVIDERS: JSON.stringify(providers) },
      },
    })
    const requestId = await queue.enqueue("my-service", "model-7", [{ role: "user", content: "Hello." }])
    await runScript("work.ts", [], { ALLOW_SIMULATOR: "0" })
    const { response } = await queue.waitFor(requestId)
    expect(response?.choices[0]?.message.content).toBe("model-7 has read 1 messages.")
  })

  const ask = async (question: string) => {
    const headers = { "idempotency-key": question.slice(0, 100) }
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ question }) })
    return { status: answer.status, body: (await answer.json()) as { requestId: string; code?: string } }
  }

  it("asks once, waits for the answer that the Worker gets, and says what is wrong", async () => {
    const question = "What does a Node service ask?"
    const [first, second] = [await ask(question), await ask(question)]
    expect(first).toMatchObject({ status: 202 })
    expect(second).toEqual(first)
    const answer = await fetch(`${url}/${first.body.requestId}`)
    expect(await answer.json()).toEqual({
      ...{ state: "completed", answer: expect.stringContaining(question), error: null },
    })
    expect(await calls(question)).toHaveLength(1)
    expect((await fetch(`${url}/req_unknown`)).status).toBe(404)
    expect(await ask("x".repeat(2_000_000))).toMatchObject({ status: 413, body: { code: "too_large" } })
  })

  it("stops waiting with the browser", async () => {
    const { body } = await ask("Slow [[sim: latencyMs=20000]]")
    await expect(fetch(`${url}/${body.requestId}`, { signal: AbortSignal.timeout(500) })).rejects.toThrow(
      "timeout",
    )
    expect(await createApi(stack.url).call("DELETE", `/v1/requests/${body.requestId}`, 200)).toMatchObject({
      state: "cancelled",
    })
  })
})

describe("examples/node-workers", () => {
  const settings = () => {
    const { url, token } = stack.addresses.bridge
    return { redis: { url, token }, queueName: "workers" }
  }

  /** On a queue that no Worker drains. Gives what it printed. */
  async function whileRunning(name: string, more: Record<string, string>, act: () => Promise<void>) {
    const { bridge, simulatorUrl } = stack.addresses
    const env = {
      ...{
        UPSTASH_REDIS_REST_URL: bridge.url,
        UPSTASH_REDIS_REST_TOKEN: bridge.token,
        QUEUE_NAME: "workers",
      },
      ...{ ALLOW_SIMULATOR: "1", SIMULATOR_URL: simulatorUrl ?? "", ...more },
    }
    const child = spawn(process.execPath, [join(PROJECT, "examples/node-workers", name)], { env })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text
      })
    }
    const exited = once(child, "close")
    try {
      await act()
    } finally {
      child.kill("SIGTERM")
    }
    expect(await exited, output).toEqual([0, null])
    return output
  }

  it("workers.ts drains a queue, and ends on SIGTERM", async () => {
    const { simulatorUrl } = stack.addresses
    const queue = new AIRequestQueue({
      ...{ ...settings(), env: { ALLOW_SIMULATOR: "1", SIMULATOR_URL: simulatorUrl ?? "" } },
    })
    const ids = await queue.enqueueMany(Array.from({ length: 12 }, (_, i) => chatOf(`Workers ask ${i}.`)))
    const output = await whileRunning("workers.ts", {}, async () => {
      for (const id of ids) expect(await queue.waitFor(id)).toMatchObject({ state: "completed" })
    })
    const counts = /^processed (\d+) (\d+) (\d+)$/m.exec(output)?.slice(1).map(Number) ?? []
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(12)
    for (const id of ids) expect(output).toContain(`${id} took`)
  })

  it("own-service.ts calls a service of its own, and tries again what may pass", async () => {
    const bodies: unknown[] = []
    const service = createServer(async (request, response) => {
      bodies.push(await json(request))
      response.writeHead(bodies.length === 1 ? 503 : 200).end("From my service.")
    }).listen(0, "127.0.0.1")
    await once(service, "listening")
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
    const custom = [{ name: "my-service", baseUrl: url, wireFormat: "openai-chat" }]
    const queue = new AIRequestQueue({ ...settings(), env: { CUSTOM_PROVIDERS: JSON.stringify(custom) } })
    const requestId = await queue.enqueue("my-service", "model-7", [{ role: "user", content: "Hello." }])
    await whileRunning("own-service.ts", { SERVICE_URL: url }, async () => {
      const { response, attempts } = await queue.waitFor(requestId)
      expect(response?.choices[0]?.message.content).toBe("From my service.")
      expect(attempts[0]?.error).toMatchObject({ message: "HTTP 503" })
    })
    const messages = [{ role: "user", content: "Hello." }]
    expect(bodies).toEqual([1, 2].map(() => ({ model: "model-7", messages })))
    service.close()
  })
})

function chatOf(content: string) {
  const messages = [{ role: "user" as const, content }]
  return { provider: "openai", model: "a-model", organizationId: "org-123", messages }
}
