import type { FinishedState } from "../../core/request.ts"
import type { EndedCounts } from "../batches-contract.ts"
import { dayOf } from "../keys.ts"
import type { Left, Restored, StateCounts } from "./contract.ts"

const NONE: StateCounts = { scheduled: 0, pending: 0, processing: 0, completed: 0, failed: 0, cancelled: 0 }

/** What is counted of the requests that are put back: `meta` is made anew from it. */
export class Tally {
  readonly byOrganization = new Map<string, StateCounts>()
  /** Live requests of organizations. */
  readonly live = new Map<string, number>()
  /** Pending per level, by line. */
  readonly pending = new Map<string, number[]>()
  /** Lines, and providers that hold leases. */
  readonly lines = new Set<string>()
  /** Finished requests by day of expiry. */
  readonly kept: Record<FinishedState, Map<number, number>> = {
    ...{ completed: new Map(), failed: new Map(), cancelled: new Map() },
  }
  /** Of batches: what their requests came to, and how many are live. */
  readonly batches = new Map<string, EndedCounts & { live: number }>()
  /** `<id>|<state>` of ends that somebody is to be told of. */
  readonly toBeTold = new Set<string>()
  readonly left: Record<Left, number> = { expired: 0, repeated: 0 }
  load = 0

  add(restored: Restored | Left): void {
    if (typeof restored === "string") {
      this.left[restored] += 1
      return
    }
    this.count(restored)
    const { requestId } = restored
    if (restored.kind === "live") this.addLive(restored)
    else {
      raise(this.kept[restored.state], dayOf(restored.expiresAt))
      if (restored.batch !== "") this.batch(restored.batch)[restored.state] += 1
      if (restored.hasCallback) this.toBeTold.add(`${requestId}|${restored.state}`)
    }
  }

  count({ organizationId, state }: { organizationId: string; state: keyof StateCounts }): void {
    getOr(this.byOrganization, organizationId, () => ({ ...NONE }))[state] += 1
  }

  private addLive({ organizationId, record, place }: Restored & { kind: "live" }): void {
    this.load += 1
    raise(this.live, organizationId)
    this.lines.add(record.line)
    if (record.provider !== "") this.lines.add(record.provider)
    if (record.batch !== "") this.batch(record.batch).live += 1
    if (place.name !== `line:${record.line}`) return
    const levels = getOr(this.pending, record.line, () => [0, 0, 0, 0])
    levels[record.level - 1] = (levels[record.level - 1] ?? 0) + 1
  }

  private batch(batchId: string) {
    return getOr(this.batches, batchId, () => ({ completed: 0, failed: 0, cancelled: 0, live: 0 }))
  }
}

function raise<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function getOr<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
