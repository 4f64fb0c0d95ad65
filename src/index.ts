import { compose } from "./compose.ts"
import { createLaneClass } from "./drain/lane.ts"
import { createApp } from "./http/app.ts"

const app = createApp(compose)

/** The Durable Object that drains; `wrangler.toml` binds it as `LANES`. */
export class DrainLane extends createLaneClass((env) => compose(env).services?.lane ?? null) {}

export default {
  fetch: app.fetch,
  /** Awaited, not handed to `waitUntil`: that ends after 30 s, a cron invocation after 15 min. */
  async scheduled(_controller: ScheduledController, env: Record<string, unknown>): Promise<void> {
    await compose(env).services?.tick()
  },
}
