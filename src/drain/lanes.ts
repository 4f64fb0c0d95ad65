import { kindOf } from "../core/errors.ts"
import type { Log } from "../core/log.ts"
import type { ChoreDeps } from "./chores.ts"
import type { DrainDeps } from "./drain.ts"

/** What a lane does for those who know its name. */
export interface LaneCalls {
  /** Something may be there at that instant, epoch ms; a past one means now. */
  wake(at: number): Promise<void>
  /** Ends the call of a request that it holds no longer. */
  abort(requestId: string, attempt: number): Promise<void>
  /** Stores the text of a call that it holds as it comes, until then, epoch ms. */
  watch(requestId: string, until: number): Promise<void>
}

export interface LaneId {
  equals(other: LaneId): boolean
}

/** The part of the binding that finds lanes. */
export interface LaneNamespace<Id extends LaneId = LaneId> {
  idFromName(name: string): Id
  get(id: Id): LaneCalls
}

/** All lanes of this Worker. Nothing here throws: a lane that cannot be reached is woken by the next tick. */
export interface Lanes {
  readonly count: number
  wake(lane: number, at: number): Promise<void>
  /** There are chores to be seen to. */
  wakeChores(): Promise<void>
  /** `owner`: of the lease. One that is no lane learns of it by itself. */
  abort(owner: string, requestId: string, attempt: number): Promise<void>
  /** Likewise. */
  watch(owner: string, requestId: string, until: number): Promise<void>
}

/** What a lane works with. */
export interface LaneSetting {
  deps: DrainDeps
  lanes: Lanes
  namespace: LaneNamespace
  chores: ChoreDeps
}

const OWNER = /^lane-(\d+):/

/** The object that sees to chores instead of draining. */
export const CHORE_LANE = "chores"

export function laneName(lane: number): string {
  return `lane-${lane}`
}

export function openLanes<Id extends LaneId>(namespace: LaneNamespace<Id>, count: number, log: Log): Lanes {
  const tell = async (lane: string, say: (calls: LaneCalls) => Promise<void>) => {
    try {
      await say(namespace.get(namespace.idFromName(lane)))
    } catch (error) {
      log.warn("lane_not_reached", { lane, kind: kindOf(error) })
    }
  }
  const tellOwner = async (owner: string, say: (calls: LaneCalls) => Promise<void>) => {
    const lane = OWNER.exec(owner)?.[1]
    if (lane !== undefined) await tell(laneName(Number(lane)), say)
  }
  return {
    count,
    wake: (lane, at) => tell(laneName(lane), (calls) => calls.wake(at)),
    wakeChores: () => tell(CHORE_LANE, (calls) => calls.wake(0)),
    abort: (owner, requestId, attempt) => tellOwner(owner, (calls) => calls.abort(requestId, attempt)),
    watch: (owner, requestId, until) => tellOwner(owner, (calls) => calls.watch(requestId, until)),
  }
}
