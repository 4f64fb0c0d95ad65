import type { Pulse, Trouble } from "../../client/client.ts"
import { usePulse } from "../data/pulse.ts"
import { ActionButton } from "../parts/action-button.tsx"
import { isAdmin, useSession } from "../session.ts"

/** The lever that answers a trouble, where there is one and the key may use it. */
export function TroubleLever({ trouble, pulse }: { trouble: Trouble; pulse: Pulse }) {
  const { client, self } = useSession()
  const refresh = usePulse()?.refresh
  if (!isAdmin(self)) return null
  const { provider } = trouble
  const then = async (done: Promise<unknown>) => {
    await done
    await refresh?.()
  }
  if (provider !== null && pulse.providers[provider] !== undefined) {
    return pulse.providers[provider].paused ? (
      <ActionButton
        label={`Resume ${provider}`}
        tone="main"
        act={() => then(client.levers.resumeProvider(provider))}
      />
    ) : (
      <ActionButton
        label={`Pause ${provider}`}
        tone="main"
        act={() => then(client.levers.pauseProvider(provider))}
      />
    )
  }
  if (pulse.paused) {
    return <ActionButton label="Resume the queue" tone="main" act={() => then(client.levers.resumeQueue())} />
  }
  return null
}
