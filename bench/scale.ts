import { describeGrowth } from "./scale/describe-growth.ts"
import { describeMemory } from "./scale/describe-memory.ts"
import { measureMemory } from "./scale/memory.ts"
import { measureOperations } from "./scale/operations.ts"
import { openScene, type Scene, type ShapeName } from "./scale/scene.ts"
import { joinResults, type Section, type SectionOptions, type SectionResult } from "./section.ts"

const MEMORY_SIZES = [10_000, 100_000]
const SIZES = [1_000, 10_000, 100_000, 1_000_000]
const MIXED_SIZE = 100_000
const SCENES: [ShapeName, number][] = [
  ...SIZES.map((pending): [ShapeName, number] => ["one line", pending]),
  ["3 providers, 4 priorities", MIXED_SIZE],
  ["10,000 organizations", MIXED_SIZE],
]
const ROUNDS = { normal: 100, full: 1000 }

export const scaleSection: Section = {
  name: "scale",
  title: "Scale: memory and time by the number of pending requests",
  minutes: { normal: 4, full: 6 },
  run,
}

async function run({ isFull, report }: SectionOptions): Promise<SectionResult> {
  const memory = describeMemory(await measureMemory(MEMORY_SIZES, report))
  const scenes: Scene[] = []
  try {
    for (const [shape, pending] of SCENES) {
      report(`filling: ${shape}, ${pending.toLocaleString("en")} pending`)
      scenes.push(await openScene(shape, pending))
    }
    const rounds = ROUNDS[isFull ? "full" : "normal"]
    report(`${rounds} rounds over ${scenes.length} stores`)
    const growth = describeGrowth(await measureOperations(scenes, rounds))
    return joinResults([memory, growth])
  } finally {
    for (const { store } of scenes) await store.close()
  }
}
