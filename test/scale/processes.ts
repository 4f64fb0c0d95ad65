import { once } from "node:events"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { type GuardedProcess, spawnGuarded } from "../../dev/spawn-guarded.ts"
import type { CrewSetting } from "./crew-process.ts"
import type { FleetSetting } from "./fleet-process.ts"
import type { LanesSetting } from "./lanes-process.ts"

const NODE_FLAGS = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]

/** Lanes that can be killed without anything else. */
export function spawnFleet(setting: FleetSetting): Promise<GuardedProcess> {
  return spawnModule("./fleet-process.ts", { FLEET: JSON.stringify(setting) }, "inherit")
}

/** Lanes that sleep until `wake` tells the first of them that something is there. */
export async function spawnLanes(setting: LanesSetting): Promise<{ wake(): void; stop(): Promise<unknown> }> {
  const running = await spawnModule("./lanes-process.ts", { LANES: JSON.stringify(setting) }, "pipe")
  running.stderr?.pipe(process.stderr)
  await firstLine(running)
  return { wake: () => void process.kill(running.pid, "SIGUSR2"), stop: running.stop }
}

/** Workers that can be killed without anything else. */
export function spawnCrew(setting: CrewSetting): Promise<GuardedProcess> {
  return spawnModule("./crew-process.ts", { CREW: JSON.stringify(setting) }, "inherit")
}

export async function spawnSimulator(): Promise<{ url: string; stop(): Promise<unknown> }> {
  const running = await spawnModule("./simulator-process.ts", {}, "pipe")
  running.stderr?.pipe(process.stderr)
  return { url: await firstLine(running), stop: running.stop }
}

async function firstLine({ stdout }: GuardedProcess): Promise<string> {
  const [line] = (await once(createInterface(stdout as Readable), "line")) as [string]
  return line
}

function spawnModule(path: string, env: NodeJS.ProcessEnv, output: "pipe" | "inherit") {
  const file = fileURLToPath(new URL(path, import.meta.url))
  return spawnGuarded(process.execPath, [...NODE_FLAGS, file], { env: { ...process.env, ...env }, output })
}
