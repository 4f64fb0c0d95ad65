import type { TestStore } from "../../test/helpers/store.ts"
import { countCpu } from "../cpu.ts"
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
  const { result: ms, cpu } = await countCpu(store, contender.pid, () => contender.run(round))
  const each = (spentMs: number) => (spentMs * 1000) / round.count
  return {
    perSecond: (round.count * 1000) / ms,
    ...{ ownCpu: each(cpu.serverMs), redisCpu: each(cpu.redisMs), bridgeCpu: each(cpu.bridgeMs) },
  }
}

export const BULK = 1000

export function middle(samples: Sample[], figure: keyof Sample): number {
  return median(samples.map((sample) => sample[figure]))
}
