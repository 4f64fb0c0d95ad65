import type { DeliveryAttempt } from "../../../client/client.ts"
import { tellResult } from "../../delivery-words.ts"
import { formatDuration } from "../../format.ts"
import { Time } from "../../parts/time.tsx"

/** How the last one ended, and those before it when asked for. */
export function Tries({ attempts }: { attempts: DeliveryAttempt[] }) {
  const last = attempts.at(-1)
  if (last === undefined) return <span class="muted">none yet</span>
  return (
    <>
      <span>{tellResult(last)}</span>
      <details>
        <summary>{attempts.length === 1 ? "1 try" : `${attempts.length} tries`}</summary>
        <ol class="tries">
          {attempts.toReversed().map((attempt) => (
            <li key={attempt.at}>
              <Time at={attempt.at} />, {formatDuration(attempt.durationMs)}: {tellResult(attempt)}
            </li>
          ))}
        </ol>
      </details>
    </>
  )
}
