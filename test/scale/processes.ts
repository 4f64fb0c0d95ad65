import { once } from "node:events"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { type GuardedProcess, spawnGuarded } from "../../dev/spawn-guarded.ts"
import type { CrewSetting } from "./crew-process.ts"
import type { FleetSetting } from "./fleet-process.ts"

const NODE_FLAGS = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]

/** Lanes that can be killed without anything else. */
export function spawnFleet(setting: FleetSetting): Promise<GuardedProcess> {
  return spawnModule("./fleet-process.ts", { FLEET: JSON.stringify(setting) }, "inherit")
}

/** Workers that can be killed without anything else. */
export function spawnCrew(setting: CrewSetting): Promise<GuardedProcess> {
  return spawnModule("./crew-process.ts", { CREW: JSON.stringify(setting) }, "inherit")
}

export async function spawnSimulator(): Promise<{ url: string; stop(): Promise<unknown> }> {
  const running = await spawnModule("./simulator-process.ts", {}, "pipe")
  running.stderr?.pipe(process.stderr)
  const [url] = (await once(createInterface(running.stdout as Readable), "line")) as [string]
  return { url, stop: running.stop }
}

function spawnModule(path: string, env: NodeJS.ProcessEnv, output: "pipe" | "inherit") {
  const file = fileURLToPath(new URL(path, import.meta.url))
  return spawnGuarded(process.execPath, [...NODE_FLAGS, file], { env: { ...process.env, ...env }, output })
}
