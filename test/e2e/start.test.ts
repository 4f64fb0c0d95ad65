import { once } from "node:events"
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { freePort } from "../../dev/port.ts"
import { documentedFetch } from "../helpers/documented.ts"
import { eventually } from "../helpers/eventually.ts"
import { processesOf } from "../helpers/processes.ts"
import { chat, createApi } from "../helpers/requests.ts"
import {
  ADMIN_KEY,
  type Checkout,
  createCheckout,
  GUARD_GRACE_MS,
  Stack,
  stackStores,
  startStack,
} from "../helpers/stack.ts"

let checkout: Checkout
beforeEach(() => {
  checkout = createCheckout("embedded")
})
afterEach(() => checkout.remove())

const untilNothingRuns = () =>
  eventually(() => processesOf(checkout).length === 0, { withinMs: GUARD_GRACE_MS })

describe("npm start", () => {
  it("says all one needs, keeps secrets out of ps, and stops on SIGTERM with nothing left", async () => {
    const stack = await startStack(checkout)
    expect(stack.output).toContain(stack.url)
    expect(stack.output).toContain(ADMIN_KEY)
    expect(stack.output).toMatch(/openai +simulated/)
    expect(stack.output).toMatch(/embedded store.*forgets on exit/)
    expect(stack.output).toContain(`curl -s ${stack.url}/v1/requests -H 'Authorization: Bearer`)
    expect((await documentedFetch(`${stack.url}/v1/health`)).status).toBe(200)

    const running = processesOf(checkout)
    const commands = running.map(({ command }) => command).join("\n")
    expect(commands).toContain("workerd serve")
    expect(commands).not.toContain(ADMIN_KEY)
    expect(commands).not.toContain(stack.addresses.bridge.token)

    const envFile = join(checkout.folder, ".data", `stack-${stack.port}`, "worker.env")
    expect(statSync(envFile).mode & 0o077).toBe(0)
    expect(await stack.stop("SIGTERM")).toBe(0)
    expect(processesOf(checkout)).toEqual([])
    expect(existsSync(envFile)).toBe(false)
    expect(existsSync(join(checkout.folder, ".dev.vars"))).toBe(false)
  })

  it("stops on SIGINT as well, makes an admin key when there is none, and keeps it", async () => {
    const file = join(checkout.folder, ".dev.vars")
    writeFileSync(file, "# mine\nMAX_RETRIES=2")
    const first = await startStack(checkout, { ADMIN_API_KEY: "" })
    const kept = readFileSync(file, "utf8")
    const key = /^ADMIN_API_KEY=(\S+)$/m.exec(kept)?.[1] ?? "none"
    expect(kept).toMatch(/^# mine\nMAX_RETRIES=2\n/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(first.output).toContain(key)
    const authorization = `Bearer ${key}`
    expect((await documentedFetch(`${first.url}/v1/stats`, { headers: { authorization } })).status).toBe(200)
    expect(await first.stop("SIGINT")).toBe(0)

    const second = await startStack(checkout, { ADMIN_API_KEY: "" })
    expect(second.output).toContain(key)
    expect(readFileSync(file, "utf8")).toBe(kept)
    // A terminal's Ctrl-C reaches npm and the stack, and npm passes its own on.
    process.kill(-(second.npm.pid ?? 0), "SIGINT")
    expect(await second.exited).toBe(0)
  })

  it("is forced by a second signal when the first one takes too long", async () => {
    const stack = await startStack(checkout)
    const wrangler = processesOf(checkout).find(({ command }) => /^\S+ --no-warnings /.test(command))
    process.kill(wrangler?.pid ?? 0, "SIGSTOP")
    stack.npm.kill("SIGTERM")
    await wait(1_000)
    const forcedAt = Date.now()
    expect(await stack.stop("SIGTERM")).toBe(1)
    expect(Date.now() - forcedAt).toBeLessThan(1_000)
    await untilNothingRuns()
  })

  it.each(["child-guard.mjs", "wrangler-dist/cli.js", "workerd serve"])(
    "ends cleanly when it is told to while it starts, as soon as there is %s",
    async (moment) => {
      const stack = new Stack(checkout, await freePort())
      const isThere = () => processesOf(checkout).some(({ command }) => command.includes(moment))
      await eventually(isThere, { everyMs: 5 })
      expect(await stack.stop("SIGTERM")).toBe(0)
      expect(processesOf(checkout)).toEqual([])
      expect(stack.output).not.toContain("Try it")
    },
  )

  it("leaves no child when it is killed, alone or with its group, nor when npm alone is", async () => {
    const grouped = await startStack(checkout)
    process.kill(-(grouped.npm.pid ?? 0), "SIGKILL")
    await untilNothingRuns()

    // The same port again, as a person would; a child that is slow to end still holds it for a moment.
    const slow = createServer().listen(grouped.port, "127.0.0.1")
    const again = new Stack(checkout, grouped.port)
    await wait(1_500)
    slow.close()
    await again.ready()
    again.npm.kill("SIGKILL")
    await untilNothingRuns()
  })

  it.runIf(stackStores.includes("redis"))("runs beside another one, on data of its own", async () => {
    await checkout.remove()
    checkout = createCheckout("redis")
    const one = await startStack(checkout)
    const two = await startStack(checkout)
    await createApi(one.url).enqueue(chat("openai", "only here", { delayMs: 600_000 }))
    expect(await createApi(one.url).counts()).toMatchObject({ scheduled: 1 })
    expect(await createApi(two.url).counts()).toMatchObject({ scheduled: 0 })
    expect(await Promise.all([one.stop(), two.stop()])).toEqual([0, 0])

    // What the first one had is found again, on whatever port.
    const three = await startStack(checkout)
    expect(await createApi(three.url).counts()).toMatchObject({ scheduled: 1 })
    expect(await three.stop()).toBe(0)
  })
})

describe("npm start refuses with one clear line and exit code 1", () => {
  async function refusal(env: Record<string, string>, port?: number): Promise<string[]> {
    const stack = new Stack(checkout, port ?? (await freePort()), env)
    expect(await stack.exited).toBe(1)
    // npm's own lines begin with ">" or "npm".
    return stack.output.split("\n").filter((line) => line !== "" && !/^(>|npm )/.test(line))
  }

  it("when the port is in use", async () => {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as { port: number }
    expect(await refusal({}, port)).toEqual([expect.stringMatching(`^PORT: ${port} is in use`)])
    server.close()
  })

  it("when the Worker cannot be built, with the reason", async () => {
    rmSync(join(checkout.folder, "src"))
    mkdirSync(join(checkout.folder, "src"))
    writeFileSync(join(checkout.folder, "src", "index.ts"), "export default {")
    const stack = new Stack(checkout, await freePort())
    expect(await stack.exited).toBe(1)
    expect(stack.output).toContain("the Worker does not start: ")
    expect(stack.output).toContain("src/index.ts:1:16")
    expect(processesOf(checkout)).toEqual([])
  })

  it.each([
    ["PORT", { PORT: "http" }],
    ["DRAIN_CONCURRENCY", { DRAIN_CONCURRENCY: "lots" }],
    ["REDIS_URL", { REDIS_URL: "redis://127.0.0.1:1" }],
    [
      "UPSTASH_REDIS_REST_URL",
      { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1", UPSTASH_REDIS_REST_TOKEN: "t" },
    ],
  ])("when %s is bad: %j", async (variable, env) => {
    expect(await refusal(env)).toEqual([expect.stringMatching(`^${variable}: `)])
  })
})
