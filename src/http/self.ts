import type { App } from "./context.ts"
import { resource } from "./resource.ts"

/** What the caller's own key is, so that a page can show what it may do, and no more. */
export function mountSelf(app: App): void {
  resource(app, "/v1/self", {
    GET: {
      scope: "any",
      handle: (c) => {
        const { keyId, organizationId, scopes, maxPriority, ratePerMinute } = c.get("principal")
        return c.json({ keyId, organizationId, scopes, maxPriority, ratePerMinute })
      },
    },
  })
}
