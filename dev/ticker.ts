import { get } from "node:http"

export interface Ticker {
  /** Fires no more. A tick that is under way goes on in the Worker. */
  stop(): void
}

/** In production ticks overlap when a drain outlasts a minute; here a few are enough to meet that. */
const MAX_IN_FLIGHT = 3

/**
 * Fires the Worker's cron every `everyMs`, at once for the first time: `wrangler dev` never does by itself.
 * `onProblem` gets one line for each tick that did not end well.
 */
export function startTicker(origin: string, everyMs: number, onProblem: (line: string) => void): Ticker {
  let inFlight = 0
  let stopped = false
  const tick = async () => {
    if (inFlight >= MAX_IN_FLIGHT) return
    inFlight += 1
    try {
      const outcome = await fireCron(origin)
      if (outcome !== "ok" && !stopped) onProblem(`the cron tick ended with ${outcome}`)
    } catch (error) {
      if (!stopped) onProblem(`the cron tick failed: ${error instanceof Error ? error.message : error}`)
    } finally {
      inFlight -= 1
    }
  }
  const timer = setInterval(tick, everyMs)
  void tick()
  return {
    stop: () => {
      stopped = true
      clearInterval(timer)
    },
  }
}

/** node:http and not fetch, which gives up after five minutes without headers: a drain may take fifteen. */
function fireCron(origin: string): Promise<string> {
  const url = `${origin}/cdn-cgi/local/scheduled?cron=${encodeURIComponent("* * * * *")}&format=json`
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        text += chunk
      })
      response.on("error", reject)
      response.on("end", () => {
        try {
          resolve((JSON.parse(text) as { outcome: string }).outcome)
        } catch {
          resolve(`status ${response.statusCode}`)
        }
      })
    })
    request.on("error", reject)
  })
}
