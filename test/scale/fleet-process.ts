/** A fleet in a process of its own: what it drains comes as JSON in FLEET; SIGTERM ends it in order, SIGKILL as a crash does. */
import { liveAt, type Pace } from "./pace.ts"
import { openStack, type StackOptions, startFleet } from "./stack.ts"

export interface FleetSetting extends Omit<StackOptions, "clock"> {
  /** Their numbers. */
  lanes: number[]
  pace?: Pace
}

const { lanes, pace, ...options } = JSON.parse(process.env.FLEET ?? "") as FleetSetting
if (pace !== undefined) liveAt(pace)
const fleet = startFleet(lanes.map((lane) => ({ lane, stack: openStack(options) })))
process.once("SIGTERM", () => void fleet.stop())
