import type { StatusReply } from "../../../client/client.ts"
import { ActionButton } from "../../parts/action-button.tsx"
import { useSession } from "../../session.ts"

interface Props {
  request: StatusReply
  changed: () => Promise<void>
}

/** What can be done with it, by this key. */
export function RequestLevers({ request: { requestId, state, finishedAt }, changed }: Props) {
  const { client, self } = useSession()
  const mayCancel = self.scopes.includes("cancel")
  const then = (act: () => Promise<unknown>) => async () => {
    await act()
    await changed()
  }
  return (
    <div class="buttons">
      {finishedAt === null && mayCancel && (
        <ActionButton
          label="Cancel it"
          tone="danger"
          confirm="It ends without an answer; a call that is under way is broken off, and may be paid all the same."
          act={then(() => client.cancel(requestId))}
        />
      )}
      {state === "failed" && self.scopes.includes("enqueue") && (
        <ActionButton
          label="Replay it"
          tone="main"
          confirm="It is called again, with its retries anew. Calls are paid."
          act={then(() => client.replay(requestId))}
        />
      )}
      {state === "failed" && mayCancel && (
        <ActionButton
          label="Discard it"
          tone="danger"
          confirm="Its messages are removed: it cannot be replayed any more."
          act={then(() => client.cancel(requestId))}
        />
      )}
    </div>
  )
}
