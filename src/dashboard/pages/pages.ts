import type { ComponentType } from "preact"
import type { Self } from "../../client/client.ts"
import { isAdmin, seesAll } from "../session.ts"
import { Alerts } from "./alerts/alerts.tsx"
import { Audit } from "./audit/audit.tsx"
import { DeadLetters } from "./dead-letters/dead-letters.tsx"
import { Deliveries } from "./deliveries/deliveries.tsx"
import { Keys } from "./keys/keys.tsx"
import { Overview } from "./overview/overview.tsx"
import { Providers } from "./provider/providers.tsx"
import { Requests } from "./requests/requests.tsx"

export interface Page {
  /** First in its link: `#/<name>`. */
  name: string
  title: string
  /** What a key may not use is not shown to it. */
  isFor: (self: Self) => boolean
  Content: ComponentType
}

/** In the order of the header. */
export const PAGES: Page[] = [
  { name: "overview", title: "Overview", isFor: ({ scopes }) => scopes.includes("read"), Content: Overview },
  { name: "requests", title: "Requests", isFor: ({ scopes }) => scopes.includes("read"), Content: Requests },
  { name: "dead-letters", title: "Dead letters", isFor: maySweep, Content: DeadLetters },
  {
    ...{ name: "deliveries", title: "Deliveries", Content: Deliveries },
    isFor: ({ scopes }) => scopes.includes("read"),
  },
  { name: "alerts", title: "Alerts", isFor: seesAll, Content: Alerts },
  { name: "providers", title: "Providers", isFor: isAdmin, Content: Providers },
  { name: "keys", title: "Keys", isFor: isAdmin, Content: Keys },
  { name: "audit", title: "Audit", isFor: isAdmin, Content: Audit },
]

function maySweep({ scopes }: Self): boolean {
  return scopes.includes("cancel") || scopes.includes("enqueue")
}
