import { median } from "../../../bench/median.ts"
import { ADMIN_KEY, type ServedWorker } from "./worker.ts"

const ROUNDS = 1500

/**
 * How long the Worker takes to refuse keys that are wrong from the first, or only in the last character, in turns. Nothing
 * is asserted: a machine that is busy makes any two differ. `seen`: medians as ratios to a key that is wrong throughout.
 */
export async function compareRefusals(
  worker: ServedWorker,
  issued: string,
): Promise<{ tried: number; seen: string }> {
  const wrong = {
    throughout: `aiq_${"0".repeat(issued.length - 4)}`,
    "the bootstrap key but its last character": `${ADMIN_KEY.slice(0, -1)}~`,
    "the bootstrap key but its first character": `~${ADMIN_KEY.slice(1)}`,
    "an issued key but its last character": `${issued.slice(0, -1)}${issued.endsWith("0") ? "1" : "0"}`,
  }
  const times = new Map<string, number[]>(Object.keys(wrong).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, key] of Object.entries(wrong)) {
      const startedAt = performance.now()
      await worker.send({ method: "GET", path: "/v1/stats", key })
      times.get(name)?.push(performance.now() - startedAt)
    }
  }
  const base = median(times.get("throughout") ?? [])
  const ratios = [...times].slice(1).map(([name, ms]) => `${name}: ${(median(ms) / base).toFixed(3)}`)
  return { tried: ROUNDS * times.size, seen: ratios.join("; ") }
}
