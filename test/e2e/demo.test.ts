import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { freePort } from "../../dev/port.ts"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import { documentedFetch } from "../helpers/documented.ts"
import { eventually } from "../helpers/eventually.ts"
import { processesOf } from "../helpers/processes.ts"
import {
  ADMIN_KEY,
  type Checkout,
  createCheckout,
  type Stack,
  stackStores,
  startStack,
} from "../helpers/stack.ts"

const PLANTED = "planted-provider-key"

let checkout: Checkout
let stack: Stack | null = null
let vendor: Simulator | null = null
afterEach(async () => {
  await stack?.stop()
  await vendor?.close()
  stack = vendor = null
  await checkout.remove()
})

interface Demo {
  readonly output: string
  say(text: string): void
  interrupt(): void
  readonly exited: Promise<number | null>
}

function startDemo(port: number, env: Record<string, string>, ...args: string[]): Demo {
  const child = spawn(join(checkout.path, "node"), ["dev/demo.ts", ...args], {
    cwd: checkout.folder,
    env: {
      PATH: checkout.path,
      HOME: checkout.folder,
      AIQ_TEST_STACK: checkout.marker,
      PORT: String(port),
      ...env,
    },
  })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text
    })
  }
  return {
    get output() {
      return output
    },
    say: (text) => child.stdin.end(text),
    interrupt: () => child.kill("SIGINT"),
    exited: once(child, "close").then(([code]) => code as number | null),
  }
}

/** An endpoint that would answer, and counts who calls it. */
async function startVendor(): Promise<Record<string, string>> {
  vendor = await startSimulator()
  return {
    ...{ OPENAI_API_KEY: PLANTED, OPENAI_BASE_URL: vendor.baseUrls.openai },
    ...{ DEEPSEEK_API_KEY: PLANTED, DEEPSEEK_BASE_URL: vendor.baseUrls.deepseek },
  }
}

describe.each(stackStores.slice(-1))("npm run demo with a stack of its own and the %s store", (store) => {
  it("ends with one outcome for each request, calls nobody whose key it could find, and leaves nothing", async () => {
    checkout = createCheckout(store)
    const keys = await startVendor()
    writeFileSync(
      join(checkout.folder, ".dev.vars"),
      `ANTHROPIC_BASE_URL=${vendor?.baseUrls.anthropic}\nANTHROPIC_API_KEY=${PLANTED}\n`,
    )
    const demo = startDemo(await freePort(), keys, "--requests", "40", "--speed", "4")
    expect(await demo.exited, demo.output).toBe(0)
    expect(demo.output).toContain("Started a stack")
    expect(demo.output).toMatch(/ all +40 +40 +0 +0 +[1-9]/)
    expect(demo.output).toContain("Every request ended in exactly one outcome.")
    expect(demo.output).toContain("The answers were simulated")
    expect(demo.output).not.toContain(PLANTED)
    expect(vendor?.calls).toEqual([])
    expect(processesOf(checkout)).toEqual([])
  })
})

describe("npm run demo against a stack that runs", () => {
  it("uses it, and leaves it running", async () => {
    checkout = createCheckout("embedded")
    stack = await startStack(checkout)
    const demo = startDemo(stack.port, { ADMIN_API_KEY: ADMIN_KEY }, "--requests", "12", "--speed", "4")
    expect(await demo.exited, demo.output).toBe(0)
    expect(demo.output).toContain("Found the stack")
    expect((await documentedFetch(`${stack.url}/v1/health`)).status).toBe(200)
  })

  it("refuses one that calls real providers; with --real it asks, and no is no", async () => {
    checkout = createCheckout("embedded")
    stack = await startStack(checkout, await startVendor())
    const key = { ADMIN_API_KEY: ADMIN_KEY }
    const plain = startDemo(stack.port, key, "--requests", "12")
    expect(await plain.exited).toBe(1)
    expect(plain.output).toMatch(/calls real providers:[\s\S]*openai[\s\S]*deepseek[\s\S]*--real/)
    expect(plain.output).not.toContain("anthropic, ")

    for (const answer of ["n\n", "\n", ""]) {
      const asked = startDemo(stack.port, key, "--requests", "12", "--real")
      asked.say(answer)
      expect(await asked.exited, asked.output).toBe(1)
      expect(asked.output).toMatch(/at your expense[\s\S]*\[y\/N\][\s\S]*Nothing was called/)
    }
    expect(vendor?.calls).toEqual([])

    const agreed = startDemo(stack.port, key, "--requests", "12", "--speed", "4", "--real")
    agreed.say("y\n")
    expect(await agreed.exited, agreed.output).toBe(0)
    expect(agreed.output).toContain("REAL answers")
    expect(agreed.output).not.toContain("answers were simulated")
    expect(vendor?.calls).toHaveLength(8)
  })

  it("says what to do about another admin key", async () => {
    checkout = createCheckout("embedded")
    stack = await startStack(checkout)
    const demo = startDemo(stack.port, { ADMIN_API_KEY: "some-other-admin-key" })
    expect(await demo.exited).toBe(1)
    expect(demo.output).toMatch(/^ADMIN_API_KEY: is not the one of the stack/m)
  })
})

describe("npm run demo, interrupted", () => {
  it("stops its stack, leaves nothing and exits 1", async () => {
    checkout = createCheckout("embedded")
    const demo = startDemo(await freePort(), {}, "--requests", "200")
    await eventually(() => demo.output.includes("of 200 ended"), { withinMs: 60_000 })
    demo.interrupt()
    expect(await demo.exited).toBe(1)
    expect(demo.output).toContain("stopped")
    expect(processesOf(checkout)).toEqual([])
    expect(existsSync(join(checkout.folder, ".dev.vars"))).toBe(false)
  })

  it("takes back what it has posted to a stack that goes on", async () => {
    checkout = createCheckout("embedded")
    // No lanes, and no tick after the first: everything posted stays in line.
    stack = await startStack(checkout, { DRAIN_LANES: "0", DEV_CRON_MS: "600000" })
    const { url, port } = stack
    const counts = async () => {
      const answer = await documentedFetch(`${url}/v1/stats`, {
        headers: { authorization: `Bearer ${ADMIN_KEY}` },
      })
      return ((await answer.json()) as { counts: Record<string, number> }).counts
    }
    const demo = startDemo(port, { ADMIN_API_KEY: ADMIN_KEY }, "--requests", "30", "--speed", "100")
    await eventually(async () => (await counts()).pending === 30, { withinMs: 30_000 })
    demo.interrupt()
    expect(await demo.exited).toBe(1)
    // The three others are what it asked the stack with, who would answer.
    expect(await counts()).toMatchObject({ pending: 0, scheduled: 0, processing: 0, cancelled: 33 })
  })
})
