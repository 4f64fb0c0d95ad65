import type { Browser } from "playwright-core"
import { AIRequestQueueClient } from "../../src/client/client.ts"
import { openBrowser } from "./browser.ts"
import { ADMIN_KEY, createCheckout, type Stack, stackStores, startStack } from "./stack.ts"

/** A stack with its dashboard, and a browser to look at it. */
export interface Stage {
  stack: Stack
  browser: Browser
  admin: AIRequestQueueClient
  close(): Promise<void>
}

export async function openStage(env: Record<string, string> = {}): Promise<Stage> {
  const checkout = createCheckout(stackStores.at(-1) ?? "embedded")
  const [stack, browser] = await Promise.all([startStack(checkout, env), openBrowser()])
  return {
    ...{ stack, browser },
    admin: new AIRequestQueueClient({ url: stack.url, apiKey: ADMIN_KEY }),
    close: async () => {
      await browser.close()
      await stack.stop()
      await checkout.remove()
    },
  }
}
