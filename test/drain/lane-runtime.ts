import type { DrainDeps } from "../../src/drain/drain.ts"
import { type AlarmStorage, LaneAlarm } from "../../src/drain/lane-alarm.ts"
import { LaneDrain } from "../../src/drain/lane-drain.ts"
import { type LaneCalls, type LaneNamespace, openLanes } from "../../src/drain/lanes.ts"

/** A lane as the runtime holds it. */
interface RunningLane {
  calls: LaneCalls
  /** Instants at which its alarm went off, epoch ms. */
  firedAt: number[]
  /** For which it was set, in order. */
  armedFor: number[]
  /** Its alarm is set for then; null: it sleeps. */
  readonly alarmAt: number | null
  readonly isRunning: boolean
  /** What others asked of it, in order. */
  asked: { wake: number }[]
}

export class NamedId {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
  equals(other: object): boolean {
    return other instanceof NamedId && other.name === this.name
  }
}

/**
 * What the runtime does for lanes, in this process: it keeps each one's alarm, lets it go off in its time, never beside
 * another of the same lane, and carries calls. Tests in workerd show that the real one does so too.
 */
export function startLanes(deps: DrainDeps, count: number) {
  const numbers = new Map<string, number>()
  const lanes: RunningLane[] = []
  const problems: unknown[] = []
  const timers = new Set<NodeJS.Timeout>()
  const running = new Set<Promise<void>>()
  let isClosed = false

  const namespace: LaneNamespace<NamedId> = {
    idFromName: (name) => new NamedId(name),
    get: ({ name }) => {
      const lane = lanes[numbers.get(name) ?? -1]
      if (lane === undefined) throw new Error(`there is no ${name}`)
      return {
        wake: async (at) => {
          lane.asked.push({ wake: at })
          await lane.calls.wake(at)
        },
        abort: lane.calls.abort,
        watch: lane.calls.watch,
      }
    },
  }
  const known = openLanes(namespace, count, deps.log)

  for (let number = 0; number < count; number++) {
    numbers.set(`lane-${number}`, number)
    let alarmAt: number | null = null
    let run: Promise<void> | null = null
    let timer: NodeJS.Timeout | undefined
    const firedAt: number[] = []
    const armedFor: number[] = []
    const schedule = () => {
      clearTimeout(timer)
      if (alarmAt === null || run !== null || isClosed) return
      timer = setTimeout(fire, Math.max(0, alarmAt - deps.clock()))
      timers.add(timer)
    }
    const fire = () => {
      alarmAt = null
      firedAt.push(deps.clock())
      run = drain.run().catch((problem) => void problems.push(problem))
      running.add(run)
      void run.then(() => {
        run = null
        schedule()
      })
    }
    const storage: AlarmStorage = {
      getAlarm: async () => alarmAt,
      setAlarm: async (at) => {
        alarmAt = at
        armedFor.push(at)
        schedule()
      },
    }
    const drain = new LaneDrain(deps, known, number, new LaneAlarm(storage, deps.clock))
    lanes.push({
      calls: {
        wake: (at) => drain.wake(at),
        abort: async (id, attempt) => drain.abort(id, attempt),
        watch: async (id, until) => drain.watch(id, until),
      },
      firedAt,
      armedFor,
      asked: [],
      get alarmAt() {
        return alarmAt
      },
      get isRunning() {
        return run !== null
      },
    })
  }

  return {
    lanes,
    known,
    /** What alarms threw: nothing may be in it. */
    problems,
    /** No alarm goes off any more; resolves when those that run have ended. */
    close: async () => {
      isClosed = true
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}
