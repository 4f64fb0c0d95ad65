import { parseArgs } from "node:util"

export interface DemoOptions {
  requests: number
  speed: number
  isReal: boolean
  help: boolean
}

export const USAGE = `npm run demo -- [options]

  --requests N   how many requests, 1 to 5000 (default 200)
  --speed X      how much faster than it happened, 0.1 to 100 (default 1)
  --real         call the providers whose keys are configured; asks first
  --help         this text

Posts real prompts at real arrival times to the stack on PORT (8787), or to one that it starts and stops.
Without --real no provider is ever called.`

/** Throws an error with one line for what cannot be used. */
export function readOptions(args: string[]): DemoOptions {
  const { values } = parseArgs({
    args,
    options: {
      requests: { type: "string", default: "200" },
      speed: { type: "string", default: "1" },
      real: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
  const requests = Number(values.requests)
  if (!Number.isInteger(requests) || requests < 1 || requests > 5000) {
    throw new Error("--requests must be a whole number from 1 to 5000")
  }
  const speed = Number(values.speed)
  if (!(speed >= 0.1 && speed <= 100)) throw new Error("--speed must be a number from 0.1 to 100")
  return { requests, speed, isReal: values.real, help: values.help }
}
