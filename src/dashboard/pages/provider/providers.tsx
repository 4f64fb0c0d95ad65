import { PROVIDERS_PRICE } from "../../data/prices.ts"
import { usePulse } from "../../data/pulse.ts"
import { useReading } from "../../data/use-reading.ts"
import { ActionButton } from "../../parts/action-button.tsx"
import { Card } from "../../parts/card.tsx"
import { Empty, Read } from "../../parts/states.tsx"
import { useSession } from "../../session.ts"
import { ProviderCard } from "./provider-card.tsx"

const EVERY_MS = 60_000

export function Providers() {
  const { client } = useSession()
  const { levers } = client
  const pulse = usePulse()
  const providers = useReading(() => client.providers(), EVERY_MS, [client], { price: PROVIDERS_PRICE })
  const then = async (done: Promise<unknown>) => {
    await done
    await Promise.all([providers.refresh(), pulse?.refresh()])
  }
  const isPaused = pulse?.value?.paused === true
  return (
    <>
      <Card title="The whole queue" isWide>
        <p>
          {isPaused
            ? "It is paused: requests are taken, and none is started."
            : "Paused, it takes requests and starts none; calls that are under way end as usual."}
        </p>
        <div class="buttons">
          {isPaused ? (
            <ActionButton label="Resume the queue" tone="main" act={() => then(levers.resumeQueue())} />
          ) : (
            <ActionButton label="Pause the queue" act={() => then(levers.pauseQueue())} />
          )}
        </div>
      </Card>
      <Read of={providers} rows={8}>
        {(all) =>
          all.length === 0 ? (
            <Empty>No provider is configured: set the key of one, and requests for it are taken.</Empty>
          ) : (
            <div class="grid">
              {all.map((provider) => (
                <ProviderCard
                  key={provider.name}
                  provider={provider}
                  pause={() => then(levers.pauseProvider(provider.name))}
                  resume={() => then(levers.resumeProvider(provider.name))}
                  change={(change) => then(levers.setLimits(provider.name, change))}
                />
              ))}
            </div>
          )
        }
      </Read>
    </>
  )
}
