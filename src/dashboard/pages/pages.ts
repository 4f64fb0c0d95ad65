import type { ComponentType } from "preact"
import type { Self } from "../../client/client.ts"
import { Overview } from "./overview/overview.tsx"

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
]
