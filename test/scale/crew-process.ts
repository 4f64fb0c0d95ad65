/** `AIQueueWorker`s in a process of their own, at a pace: what they are comes as JSON in CREW; SIGTERM ends them in order. */
import { type AIQueueWorkerOptions, startAIQueueWorkers } from "../../src/worker/index.ts"
import { liveAt, type Pace } from "./pace.ts"

export interface CrewSetting {
  workers: number
  /** Only what JSON holds. */
  options: AIQueueWorkerOptions
  pace: Pace
}

const { workers, options, pace } = JSON.parse(process.env.CREW ?? "") as CrewSetting
liveAt(pace)
const silent = { info: () => {}, warn: () => {}, error: () => {} }
const crew = await startAIQueueWorkers(workers, { ...options, log: silent })
process.once("SIGTERM", () => void Promise.all(crew.map((worker) => worker.stop())))
