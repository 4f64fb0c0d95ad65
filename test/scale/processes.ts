import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { firstLine, type GuardedProcess, spawnGuarded, TYPESCRIPT_FLAGS } from "../../dev/spawn-guarded.ts"
import type { CrewSetting } from "./crew-process.ts"
import type { FleetSetting } from "./fleet-process.ts"
import type { LanesSetting } from "./lanes-process.ts"

/** Lanes that can be killed without anything else. */
export function spawnFleet(setting: FleetSetting): Promise<GuardedProcess> {
  return spawnModule("./fleet-process.ts", { FLEET: JSON.stringify(setting) }, "inherit")
}

/** Lanes that sleep until `wake` tells the first of them that something is there. */
export async function spawnLanes(setting: LanesSetting): Promise<{ wake(): void; stop(): Promise<unknown> }> {
  const running = await spawnModule("./lanes-process.ts", { LANES: JSON.stringify(setting) }, "pipe")
  running.stderr?.pipe(process.stderr)
  await firstLine(running.stdout as Readable)
  return { wake: () => void process.kill(running.pid, "SIGUSR2"), stop: running.stop }
}

/** Workers that can be killed without anything else. */
export function spawnCrew(setting: CrewSetting): Promise<GuardedProcess> {
  return spawnModule("./crew-process.ts", { CREW: JSON.stringify(setting) }, "inherit")
}

export async function spawnSimulator(): Promise<{ url: string; stop(): Promise<unknown> }> {
  const running = await spawnModule("./simulator-process.ts", {}, "pipe")
  running.stderr?.pipe(process.stderr)
  return { url: await firstLine(running.stdout as Readable), stop: running.stop }
}

function spawnModule(path: string, env: NodeJS.ProcessEnv, output: "pipe" | "inherit") {
  const file = fileURLToPath(new URL(path, import.meta.url))
  return spawnGuarded(process.execPath, [...TYPESCRIPT_FLAGS, file], {
    env: { ...process.env, ...env },
    output,
  })
}
