import { seesAll, useSession } from "../../session.ts"
import { OwnCounts } from "./own-counts.tsx"
import { WholeQueue } from "./whole-queue.tsx"

/** How the queue is doing: all of it, or what one organization may know. */
export function Overview() {
  const { self } = useSession()
  return seesAll(self) ? <WholeQueue /> : <OwnCounts />
}
