import type { SectionResult } from "../section.ts"
import type { Memory } from "./memory.ts"

/** The first holder of each size is this queue, the others are its peers. */
export function describeMemory(found: Memory[]): SectionResult {
  const largest = Math.max(...found.map(({ pending }) => pending))
  const [ours, ...peers] = found.filter(({ pending }) => pending === largest)
  const all = ours === undefined ? [] : [ours, ...peers]
  const kinds = [...new Set(all.flatMap(({ kinds }) => kinds.map(([kind]) => kind)))]
  const bytesOf = (memory: Memory, kind: string) => memory.kinds.find(([name]) => name === kind)?.[1] ?? 0
  const shown = kinds.filter((kind) => all.some((memory) => bytesOf(memory, kind) >= 1))
  return {
    tables: [
      {
        title: "Memory, bytes per pending request of 1 KB",
        columns: ["", ...new Set(found.map(({ pending }) => `${pending.toLocaleString("en")} pending`))],
        rows: [...Map.groupBy(found, ({ who }) => who)].map(([who, sizes]) => [
          who,
          ...sizes.map(({ perRequest }) => Math.round(perRequest)),
        ]),
      },
      {
        title: `The same by kind of key, ${largest.toLocaleString("en")} pending`,
        columns: ["", ...all.map(({ who }) => who)],
        rows: shown.map((kind) => [kind, ...all.map((memory) => Math.round(bytesOf(memory, kind)) || "–")]),
      },
    ],
    plots: [
      {
        file: "scale-memory",
        title: "Memory per pending request of 1 KB, by kind of key",
        x: { name: "", categories: all.map(({ who }) => who) },
        y: { name: "bytes" },
        series: shown.map((kind) => ({
          name: kind,
          points: all.map((memory, i): [number, number] => [i, bytesOf(memory, kind)]),
        })),
      },
    ],
    goals: peers.map(({ who, perRequest }) => ({
      what: `memory per pending request ÷ ${who}`,
      measured: (ours?.perRequest ?? Number.NaN) / perRequest,
      relation: "<=" as const,
      limit: 1,
    })),
    notes: [
      "Payloads are 768 to 1,280 bytes of JSON, 1 KB on average, the same for all: allocators hand out memory in steps of up to 256 bytes, so with one size luck would decide. BullMQ's jobs hold the payload and a priority, no retries or lifetimes, which ours have. *Not in keys* is the table of keys and what the allocator rounds up. Means over stores, for each has a hash seed of its own, and BullMQ's jobs of several fields take 30 bytes more or less with it.",
    ],
  }
}
