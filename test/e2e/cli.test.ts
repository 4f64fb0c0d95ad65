import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import { runCli, startCli } from "../cli/run-cli.ts"
import { eventually } from "../helpers/eventually.ts"
import { createApi } from "../helpers/requests.ts"
import { type Checkout, createCheckout, type Stack, stackStores, startStack } from "../helpers/stack.ts"

let checkout: Checkout
let stack: Stack
let folder: string
beforeAll(async () => {
  checkout = createCheckout(stackStores.at(-1) ?? "embedded")
  stack = await startStack(checkout)
  folder = mkdtempSync(join(tmpdir(), "aiq-cli-"))
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await stack.stop()
  await checkout.remove()
})

const cli = (...args: string[]) => runCli(args, { url: stack.url })

it("the command line gets an answer out of the running stack", async () => {
  const prompt = "What does the terminal ask?"
  const args = ["-p", "anthropic", "-m", "a-model", "--organization", "cli"]
  expect(await cli("enqueue", ...args, "--wait", prompt)).toMatchObject({
    ...{ code: 0, stdout: expect.stringContaining(prompt) },
  })
  expect((await cli("stats")).stdout).toMatch(/^anthropic +\d+ +\d+ +ok/m)
})

it("an import that is interrupted, and whose answers are lost below the Worker, enqueues each line once", async () => {
  const file = join(folder, "requests.jsonl")
  const messages = [{ role: "user", content: "Later" }]
  const line = { provider: "openai", model: "m", organizationId: "cli", delayMs: 3_600_000, messages }
  writeFileSync(file, `${JSON.stringify(line)}\n`.repeat(1100))
  const contains = scriptSha("enqueue")
  await stack.faults("POST", { fault: "delay", delayMs: 500, contains })
  const running = startCli(["import", file, "--json"], { url: stack.url })
  await eventually(() => running.output.stdout !== "", { everyMs: 5 })
  running.process.kill("SIGINT")
  expect((await running.ended).code).toBe(130)
  expect(await createApi(stack.url).counts()).toMatchObject({ scheduled: 1000 })

  await stack.faults("DELETE")
  // As often as the Worker tries: it answers 503, and does not know whether the requests are stored.
  await stack.faults("POST", { fault: "drop", when: "after", contains, times: 4 })
  expect(await cli("import", file)).toMatchObject({ code: 0 })
  expect(await stack.faults("GET")).toMatchObject([{ fired: 4 }])
  expect(await createApi(stack.url).counts()).toMatchObject({ scheduled: 1100 })
})
