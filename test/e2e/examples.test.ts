import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import { createApi } from "../helpers/requests.ts"
import {
  ADMIN_KEY,
  type Checkout,
  createCheckout,
  type Stack,
  stackStores,
  startStack,
} from "../helpers/stack.ts"
import { describeNodeService } from "./examples/node-service.ts"
import { describeNodeWorkers } from "./examples/node-workers.ts"
import { chatOf, EXAMPLES, run } from "./examples/run-example.ts"

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
function runExample(program: string, path: string, ...args: string[]): Promise<string> {
  return run(program, [join(EXAMPLES, path), ...args], variables())
}

const variables = () => ({
  ...process.env,
  ...{ AIQ_URL: stack.url, AIQ_KEY: ADMIN_KEY, PYTHONDONTWRITEBYTECODE: "1" },
})

const list = () =>
  createApi(stack.url).call<{ data: { requestId: string; state: string }[] }>(
    "GET",
    "/v1/requests?organizationId=org-123&limit=100",
    200,
  )

const FAULTS = { fault: "drop", when: "after", contains: scriptSha("enqueue"), times: 4 }

/** The store executes an enqueue, but its answer is lost as often as the Worker tries, so that the API answers 503. */
async function losingAnswers<Result>(act: () => Promise<Result>): Promise<Result> {
  await stack.faults("POST", FAULTS)
  const result = await act()
  expect(await stack.faults("GET")).toMatchObject([{ fired: 4 }])
  await stack.faults("DELETE")
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
    expect(await stack.calls(text)).toHaveLength(1)
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
    expect(await stack.calls(text)).toHaveLength(1)
  })

  it("says why a request failed, and gives up on what takes too long", async () => {
    await expect(runExample("python3", "python/ask.py", "Bad [[sim: error=rejected]]")).rejects.toThrow(
      "provider_rejected",
    )
    const slow = `import sys; sys.path.insert(0, "examples/python"); import ask; ask.ask("Slow [[sim: latencyMs=20000]]", 1)`
    await expect(run("python3", ["-c", slow], variables())).rejects.toThrow("was cancelled")
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

describeNodeService(() => stack)
describeNodeWorkers(() => stack)
