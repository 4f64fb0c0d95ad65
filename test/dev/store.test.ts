import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createClient } from "redis"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { type Store, type StoreAddress, startStore } from "../../dev/store.ts"
import { findRedisServer } from "../../dev/store-redis.ts"

const STORE = new URL("../../dev/store.ts", import.meta.url).href
const hasRedis = findRedisServer() !== null

let folder: string
const open: Store[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aiq-test-"))
})
afterEach(async () => {
  for (const store of open.splice(0)) await store.close()
  await rm(folder, { recursive: true, force: true })
})

async function start(options: Parameters<typeof startStore>[0]): Promise<Store> {
  const store = await startStore(options)
  open.push(store)
  return store
}

async function ask(address: StoreAddress, command: string[]): Promise<unknown> {
  const client = createClient({
    ...("socketPath" in address
      ? { socket: { path: address.socketPath, tls: false, reconnectStrategy: false } }
      : { url: address.redisUrl, socket: { reconnectStrategy: false } }),
    RESP: 2,
    disableClientInfo: true,
  })
  client.on("error", () => undefined)
  await client.connect()
  try {
    return await client.sendCommand(command)
  } finally {
    client.destroy()
  }
}

function socketOf(store: Store): string {
  if (!("socketPath" in store.address)) throw new Error("not on a Unix socket")
  return store.address.socketPath
}

describe("the embedded store", () => {
  test("starts, answers, forgets, and leaves nothing behind", async () => {
    const store = await start({ kind: "embedded", dataDir: folder })
    expect(store).toMatchObject({ kind: "embedded", description: expect.stringContaining("in memory") })
    expect(await ask(store.address, ["SET", "a", "1"])).toBe("OK")
    await store.close()
    await expect(ask(store.address, ["PING"])).rejects.toThrow()
    expect(existsSync(join(socketOf(store), ".."))).toBe(false)
    expect(await readdir(folder)).toEqual([])
  })

  test("a long script runs to its end, as on Redis", async () => {
    const store = await start({ kind: "embedded" })
    const script = "local sum = 0 for i = 1, 5000000 do sum = sum + i end return string.format('%.0f', sum)"
    expect(await ask(store.address, ["EVAL", script, "0"])).toBe("12500002500000")
  })

  test("a script that never ends stalls neither this process nor the closing", async () => {
    const store = await start({ kind: "embedded" })
    const stuck = ask(store.address, ["EVAL", "while true do end", "0"]).catch((error: Error) => error)
    const client = await Promise.race([stuck, new Promise((resolve) => setTimeout(resolve, 100, "running"))])
    expect(client).toBe("running")
    await store.close()
    expect(await stuck).toBeInstanceOf(Error)
  })
})

describe("a given Redis", () => {
  test("is used as it is, and its password is not described", async () => {
    const store = await start({ redisUrl: "redis://user:secret@127.0.0.1:6390/2", dataDir: folder })
    expect(store).toMatchObject({
      kind: "redis",
      address: { redisUrl: "redis://user:secret@127.0.0.1:6390/2" },
    })
    expect(store.description).toBe("the Redis at 127.0.0.1:6390")
  })
})

describe("which store", () => {
  test("nothing on the PATH: embedded by itself, an error when a Redis is asked for", async () => {
    const path = process.env.PATH
    process.env.PATH = folder
    try {
      expect(findRedisServer()).toBeNull()
      await expect(startStore({ kind: "redis" })).rejects.toThrow(
        "neither redis-server nor valkey-server is on the PATH",
      )
      expect((await start({})).kind).toBe("embedded")
    } finally {
      process.env.PATH = path
    }
  })

  test("a program of that name that does not run is passed over", async () => {
    await writeFile(join(folder, "redis-server"), "#!/bin/sh\nexit 1\n", { mode: 0o755 })
    const path = process.env.PATH
    process.env.PATH = folder
    try {
      expect(findRedisServer()).toBeNull()
    } finally {
      process.env.PATH = path
    }
  })
})

describe.runIf(hasRedis)("a real Redis", () => {
  test("is what is started by itself, on a Unix socket alone, and never evicts", async () => {
    const store = await start({})
    expect(store).toMatchObject({ kind: "redis", pid: expect.any(Number) })
    expect(await ask(store.address, ["CONFIG", "GET", "port"])).toEqual(["port", "0"])
    expect(await ask(store.address, ["CONFIG", "GET", "maxmemory-policy"])).toEqual([
      "maxmemory-policy",
      "noeviction",
    ])
    expect(await ask(store.address, ["CONFIG", "GET", "appendonly"])).toEqual(["appendonly", "no"])
    await store.close()
    expect(isAlive(Number(store.pid))).toBe(false)
    expect(existsSync(join(socketOf(store), ".."))).toBe(false)
  })

  test("with a data folder, however long its path, a restart loses nothing", async () => {
    const dataDir = join(folder, "a-long-name-".repeat(12), "data")
    const first = await start({ dataDir })
    await ask(first.address, ["SET", "a", "kept"])
    await first.close()
    const second = await start({ dataDir })
    expect(await ask(second.address, ["GET", "a"])).toBe("kept")
  })

  test("a killed server loses nothing that the disk had: what is a second old", async () => {
    const first = await start({ dataDir: folder })
    await ask(first.address, ["SET", "a", "kept"])
    await vi.waitFor(
      async () =>
        expect(String(await ask(first.address, ["INFO", "persistence"]))).toContain(
          "aof_pending_bio_fsync:0",
        ),
      { timeout: 3_000 },
    )
    process.kill(Number(first.pid), "SIGKILL")
    const second = await start({ dataDir: folder })
    expect(await ask(second.address, ["GET", "a"])).toBe("kept")
  })

  test("waits for a predecessor that is being killed, and takes over its data", async () => {
    const program = `
      import { startStore } from ${JSON.stringify(STORE)}
      const store = await startStore({ kind: "redis", dataDir: ${JSON.stringify(folder)} })
      console.log(JSON.stringify(store))
      setInterval(() => undefined, 1_000)`
    const flags = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]
    const parent = spawn(process.execPath, [...flags, "--input-type=module-typescript", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
      cwd: new URL("../..", import.meta.url),
    })
    const [line] = (await once(parent.stdout, "data")) as [Buffer]
    const first = JSON.parse(String(line)) as Store
    await ask(first.address, ["SET", "a", "kept"])
    parent.kill("SIGKILL")
    const second = await start({ dataDir: folder })
    expect(isAlive(Number(first.pid))).toBe(false)
    expect(await ask(second.address, ["GET", "a"])).toBe("kept")
  })

  test("two at once on the same data: the second is refused", async () => {
    await start({ dataDir: folder })
    await expect(startStore({ dataDir: folder })).rejects.toThrow(`${folder} is in use by another stack`)
  })

  test("one that cannot start says why", async () => {
    await writeFile(join(folder, "appendonlydir"), "in the way")
    await expect(startStore({ dataDir: folder })).rejects.toThrow(/ended with code 1: .*appendonlydir/)
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
