import type { FinishedState } from "../../core/request.ts"
import { decodeRecord } from "../record.ts"
import type { StateCounts } from "./contract.ts"
import type { CopyStore } from "./copy-store.ts"
import { listNames, readKeys, slices } from "./reader.ts"

const KEYS_AT_ONCE = 500

/** Keys of the queue that are there, of these. */
export async function countPresent(store: CopyStore, names: string[]): Promise<number> {
  let present = 0
  for (const some of slices(names, KEYS_AT_ONCE)) {
    const [count] = await store.query<[number]>("recount", [
      ["EXISTS", ...some.map((name) => store.keys.named(name))],
    ])
    present += count
  }
  return present
}

/**
 * Counts requests by organization and state as the store holds them: live ones by the places that they are in, ended ones
 * by their indexes, those past their TTL left out. Nothing may be moving meanwhile.
 */
export async function recount(store: CopyStore, at: number): Promise<Map<string, StateCounts>> {
  const counts = new Map<string, StateCounts>()
  const countsOf = (name: string): StateCounts => {
    const known = counts.get(name)
    if (known !== undefined) return known
    const none = { scheduled: 0, pending: 0, processing: 0, completed: 0, failed: 0, cancelled: 0 }
    counts.set(name, none)
    return none
  }
  const names = await listNames(store)
  const states = new Map<string, "scheduled" | "pending" | "processing">()
  for (const name of names) {
    const state = STATES[name.split(":", 1)[0] ?? ""]
    if (state === undefined) continue
    for await (const { values } of readKeys(store, [name])) {
      for (let i = 0; i < values.length; i += 2) states.set(values[i] ?? "", state)
    }
  }
  const seen = new Set<string>()
  for await (const { values } of readKeys(store, ["live"])) {
    for (let i = 0; i < values.length; i += 2) {
      const id = values[i] ?? ""
      const state = states.get(id)
      if (state === undefined || seen.has(id)) continue
      seen.add(id)
      countsOf(decodeRecord(values[i + 1] ?? "").organization)[state] += 1
    }
  }
  for (const name of names.filter((each) => each.startsWith("finished:"))) {
    const state = name.split(":")[1] as FinishedState
    const members = new Set<string>()
    for await (const { values } of readKeys(store, [name])) {
      for (let i = 0; i < values.length; i += 2) {
        if (Number(values[i + 1]) > at) members.add(values[i] ?? "")
      }
    }
    for (const member of members) countsOf(member.slice(member.indexOf("|") + 1))[state] += 1
  }
  return counts
}

const STATES: Record<string, "scheduled" | "pending" | "processing"> = {
  scheduled: "scheduled",
  line: "pending",
  leases: "processing",
}
