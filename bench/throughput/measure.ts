import type { TestStore } from "../../test/helpers/store.ts"
import { median } from "../median.ts"
import type { Round } from "./contender.ts"
import type { RunningContender } from "./spawn-contender.ts"

/** One way to do one thing, measured again and again. */
export interface Path {
  name: string
  contender: RunningContender
  round: Round
}

/** Of one round. CPU time is µs a request. */
export interface Sample {
  perSecond: number
  ownCpu: number
  redisCpu: number
  bridgeCpu: number
}

/** Every path once in each round, one after the other. The first round warms up and does not count. */
export async function takeTurns(
  store: TestStore,
  paths: Path[],
  rounds: number,
): Promise<Map<Path, Sample[]>> {
  const samples = new Map(paths.map((path): [Path, Sample[]] => [path, []]))
  for (let i = 0; i <= rounds; i++) {
    for (const [path, taken] of samples) {
      const sample = await measureRound(store, path)
      if (i > 0) taken.push(sample)
    }
  }
  return samples
}

/** What a worker is to do is stored before, in bulk. */
async function measureRound(store: TestStore, { contender, round }: Path): Promise<Sample> {
  await store.flush()
  if (round.act === "work") await contender.run({ act: "addInBulk", count: round.count, amount: BULK })
  const [bridge, redis] = [process.cpuUsage(), await redisCpuMs(store)]
  const { ms, cpuMs } = await contender.run(round)
  const redisMs = (await redisCpuMs(store)) - redis
  const { user, system } = process.cpuUsage(bridge)
  const each = (spentMs: number) => (spentMs * 1000) / round.count
  return {
    perSecond: (round.count * 1000) / ms,
    ownCpu: each(cpuMs),
    redisCpu: each(redisMs),
    bridgeCpu: each((user + system) / 1000),
  }
}

export const BULK = 1000

export function middle(samples: Sample[], figure: keyof Sample): number {
  return median(samples.map((sample) => sample[figure]))
}

async function redisCpuMs({ redis }: TestStore): Promise<number> {
  const info = String(await redis.sendCommand(["INFO", "cpu"]))
  const seconds = (field: string) => Number(new RegExp(`^${field}:(\\S+)`, "m").exec(info)?.[1])
  return 1000 * (seconds("used_cpu_user") + seconds("used_cpu_sys"))
}
