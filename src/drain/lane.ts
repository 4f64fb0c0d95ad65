import { DurableObject } from "cloudflare:workers"
import { ChoreLane } from "./chore-lane.ts"
import { LaneAlarm } from "./lane-alarm.ts"
import { LaneDrain } from "./lane-drain.ts"
import {
  CHORE_LANE,
  type LaneCalls,
  type LaneId,
  type LaneNamespace,
  type LaneSetting,
  laneName,
} from "./lanes.ts"

/** More than there may ever be. */
const MAX_LANES = 64

/**
 * The class of the lanes. `settingOf` gives what the variables of the Worker mean; null: they are bad, and a lane does
 * nothing.
 */
export function createLaneClass(settingOf: (env: Record<string, unknown>) => LaneSetting | null) {
  return class extends DurableObject<Record<string, unknown>> implements LaneCalls {
    readonly #lane: LaneDrain | ChoreLane | null

    constructor(ctx: DurableObjectState, env: Record<string, unknown>) {
      super(ctx, env)
      const setting = settingOf(env)
      this.#lane = null
      if (setting === null) return
      const alarm = new LaneAlarm(ctx.storage, setting.deps.clock)
      const { deps, lanes, namespace, chores } = setting
      this.#lane = namespace.idFromName(CHORE_LANE).equals(ctx.id)
        ? new ChoreLane(chores, deps.config, alarm)
        : new LaneDrain(deps, lanes, numberOf(ctx.id, namespace), alarm)
      void ctx.blockConcurrencyWhile(() => alarm.load())
    }

    /** The drain, in an invocation of its own: 15 min of wall clock. Throws only when the object's own storage fails. */
    override async alarm(): Promise<void> {
      await this.#lane?.run()
    }

    async wake(at: number): Promise<void> {
      await this.#lane?.wake(at)
    }

    async abort(requestId: string, attempt: number): Promise<void> {
      if (this.#lane instanceof LaneDrain) this.#lane.abort(requestId, attempt)
    }

    async watch(requestId: string, until: number): Promise<void> {
      if (this.#lane instanceof LaneDrain) this.#lane.watch(requestId, until)
    }
  }
}

/** An object knows its id; its name is not promised to it. */
function numberOf(id: LaneId, namespace: LaneNamespace): number {
  for (let lane = 0; lane < MAX_LANES; lane++) {
    if (namespace.idFromName(laneName(lane)).equals(id)) return lane
  }
  throw new Error("this object is none of the lanes")
}
