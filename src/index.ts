import { compose } from "./compose.ts"
import { createApp } from "./http/app.ts"

const app = createApp(compose)

export default {
  fetch: app.fetch,
  /** Awaited, not handed to `waitUntil`: that ends after 30 s, a cron invocation after 15 min. */
  async scheduled(_controller: ScheduledController, env: Record<string, unknown>): Promise<void> {
    await compose(env).services?.tick()
  },
}
