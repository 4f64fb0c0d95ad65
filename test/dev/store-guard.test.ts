import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { afterEach, describe, expect, test, vi } from "vitest"
import { spawnGuarded } from "../../dev/spawn-guarded.ts"

const SPAWN_GUARDED = new URL("../../dev/spawn-guarded.ts", import.meta.url).href
const GUARD = fileURLToPath(new URL("../../dev/child-guard.mjs", import.meta.url))

/** A shell with a child of its own; both ignore nothing, and each prints its pid. */
const FAMILY = ["-c", "sleep 300 & echo $! $$; wait"]

/** What a test leaves behind when it fails. */
const started = new Set<number>()
afterEach(() => {
  for (const pid of started) if (isAlive(pid)) process.kill(pid, "SIGKILL")
  started.clear()
})

/** Whether a process runs; one that has ended and only waits to be reaped does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== "linux" || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"))
  } catch {
    return false
  }
}

function parentOf(pid: number): number {
  return Number(/\) \w (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1])
}

async function pidsFrom(stream: NodeJS.ReadableStream | null): Promise<number[]> {
  if (stream === null) throw new Error("no output to read")
  const [chunk] = (await once(stream, "data")) as [Buffer]
  const pids = String(chunk).trim().split(/\s+/).map(Number)
  for (const pid of pids) started.add(pid)
  return pids
}

async function untilGone(pids: number[], timeout = 3_000): Promise<void> {
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout })
}

describe("a guarded command", () => {
  test("ends with all its descendants when it is stopped", async () => {
    const running = await spawnGuarded("sh", FAMILY)
    const pids = await pidsFrom(running.stdout)
    expect(pids).toContain(running.pid)
    expect(pids.every(isAlive)).toBe(true)
    expect(await running.stop()).toBe(128 + 15)
    expect(pids.filter(isAlive)).toEqual([])
    expect(await running.stop()).toBe(128 + 15)
  })

  test("keeps its exit code, and leaves no descendant behind when it ends by itself", async () => {
    const running = await spawnGuarded("sh", ["-c", "sleep 300 & echo $!; exit 7"])
    const pids = await pidsFrom(running.stdout)
    expect(await running.exited).toBe(7)
    expect(pids.filter(isAlive)).toEqual([])
  })

  test("is killed when it ignores SIGTERM", async () => {
    const running = await spawnGuarded("sh", ["-c", "trap '' TERM; echo $$; while :; do sleep 0.2; done"])
    const pids = await pidsFrom(running.stdout)
    const asked = performance.now()
    expect(await running.stop()).toBe(128 + 9)
    expect(performance.now() - asked).toBeGreaterThan(4_900)
    expect(pids.filter(isAlive)).toEqual([])
  }, 10_000)

  test("that cannot be started is an error that names it", async () => {
    await expect(spawnGuarded("no-such-command", [])).rejects.toThrow(
      "cannot start no-such-command: no-such-command is not installed",
    )
    await expect(spawnGuarded("sh", [], { cwd: "/no/such/folder" })).rejects.toThrow(/ENOENT/)
  })
})

test.runIf(process.platform === "linux" && existsSync("/usr/bin/setpriv"))(
  "when the guard itself is killed with SIGKILL, the command ends too",
  async () => {
    const running = await spawnGuarded("sleep", ["300"])
    started.add(running.pid)
    process.kill(parentOf(running.pid), "SIGKILL")
    await untilGone([running.pid])
    expect(await running.stop()).toBe(1)
  },
)

describe("when the starter is killed with SIGKILL", () => {
  /** A process of its own group that starts the family through `spawnGuarded` and prints what the family prints. */
  function startStarter() {
    const program = `
      import { spawnGuarded } from ${JSON.stringify(SPAWN_GUARDED)}
      await spawnGuarded("sh", ${JSON.stringify(FAMILY)}, { output: "inherit" })
      setInterval(() => undefined, 1_000)`
    const args = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]
    return spawn(process.execPath, [...args, "--input-type=module-typescript", "-e", program], {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    })
  }

  test.each([
    ["alone", 1],
    ["with its whole process group", -1],
  ])("%s, the command ends too", async (_how, sign) => {
    const starter = startStarter()
    const pids = await pidsFrom(starter.stdout)
    expect(pids.every(isAlive)).toBe(true)
    process.kill(sign * Number(starter.pid), "SIGKILL")
    await untilGone(pids)
  })

  test("before the command even runs, it ends as well", async () => {
    // The starter's death is the end of stdin: here it comes before the guard has started anything.
    const guard = spawn(process.execPath, [GUARD, "sh", ...FAMILY], {
      stdio: ["pipe", "pipe", "inherit", "pipe"],
    })
    guard.stdin?.end()
    const pids = await pidsFrom(guard.stdio[3] as NodeJS.ReadableStream).catch(() => [])
    const [code] = (await once(guard, "exit")) as [number]
    expect(code).toBe(128 + 15)
    await untilGone(pids.filter(Number.isInteger))
  })
})
