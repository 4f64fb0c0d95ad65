/**
 * Lanes as a Worker has them, in a process of their own: the Durable Object's drain and alarm, each run in an invocation of
 * its own, and the tick of each minute. What they drain comes as JSON in LANES; SIGUSR2 wakes lane 0, as an enqueue does.
 * Prints a line when it can be told.
 */
import { LaneAlarm } from "../../src/drain/lane-alarm.ts"
import { LaneDrain } from "../../src/drain/lane-drain.ts"
import type { Lanes } from "../../src/drain/lanes.ts"
import { tickLanes } from "../../src/drain/run-tick.ts"
import { Invocation } from "../helpers/six-connections.ts"
import { liveAt, type Pace } from "./pace.ts"
import { openStack, type StackOptions } from "./stack.ts"

export interface LanesSetting extends Omit<StackOptions, "clock"> {
  /** How many. */
  lanes: number
  pace: Pace
}

const TICK_EVERY_MS = 60_000

const { lanes: count, pace, ...options } = JSON.parse(process.env.LANES ?? "") as LanesSetting
liveAt(pace)

/** A Durable Object's one alarm: it goes off once, and never while its last run is still going on. */
function createAlarm(run: () => Promise<void>) {
  let at: number | null = null
  let timer: NodeJS.Timeout | undefined
  let running = Promise.resolve()
  const goOff = () => {
    at = null
    running = running.then(run)
  }
  return {
    getAlarm: async () => at,
    setAlarm: async (to: number) => {
      at = to
      clearTimeout(timer)
      timer = setTimeout(goOff, Math.max(0, to - Date.now()))
    },
  }
}

const all: LaneDrain[] = []
const lanes: Lanes = {
  count,
  wake: async (lane, at) => all[lane]?.wake(at),
  wakeChores: async () => {},
  abort: async () => {},
  watch: async () => {},
}
for (let number = 0; number < count; number++) {
  const { deps } = openStack(options)
  const alarm = createAlarm(async () => {
    await new Invocation().run(async () => lane.run())
  })
  const lane = new LaneDrain(deps, lanes, number, new LaneAlarm(alarm, deps.clock))
  all.push(lane)
}

const { deps } = openStack(options)
const tick = async () => {
  await new Invocation().run(() => tickLanes(deps, lanes))
  setTimeout(tick, TICK_EVERY_MS)
}
setTimeout(tick, TICK_EVERY_MS)
process.on("SIGUSR2", () => void lanes.wake(0, 0))
console.log("ready")
