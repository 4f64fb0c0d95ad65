import type { AIRequestQueueClient, Pulse, Trouble } from "../../client/client.ts"
import { usePulse } from "../data/pulse.ts"
import { ActionButton } from "../parts/action-button.tsx"
import { isAdmin, useSession } from "../session.ts"

type LeversClient = AIRequestQueueClient["levers"]

interface Lever {
  label: string
  pull: (levers: LeversClient) => Promise<unknown>
}

/** The levers that answer a trouble, where there are such and the key may use them: one click. */
export function TroubleLevers({ trouble, pulse }: { trouble: Trouble; pulse: Pulse }) {
  const { client, self } = useSession()
  const refresh = usePulse()?.refresh
  if (!isAdmin(self)) return null
  return (
    <div class="buttons">
      {leversOf(trouble, pulse).map(({ label, pull }, i) => (
        <ActionButton
          key={label}
          label={label}
          tone={i === 0 ? "main" : "plain"}
          act={async () => {
            await pull(client.levers)
            await refresh?.()
          }}
        />
      ))}
    </div>
  )
}

/** The most likely first. Resuming also closes a breaker and ends a block, for who has seen to the cause. */
function leversOf({ code, provider }: Trouble, { paused, providers }: Pulse): Lever[] {
  if (code === "queue_paused" || paused) {
    return [{ label: "Resume the queue", pull: (levers) => levers.resumeQueue() }]
  }
  if (provider === null || providers[provider] === undefined) return []
  const resume = {
    label: `Resume ${provider}`,
    pull: (levers: LeversClient) => levers.resumeProvider(provider),
  }
  const pause = { label: `Pause ${provider}`, pull: (levers: LeversClient) => levers.pauseProvider(provider) }
  if (providers[provider].paused) return [resume]
  return code === "provider_account" ? [resume, pause] : [pause, resume]
}
