import type { LimitsChange, ProviderDetails } from "../../../client/client.ts"
import { formatCount } from "../../format.ts"
import { ActionButton } from "../../parts/action-button.tsx"
import { Badge } from "../../parts/badge.tsx"
import { Card } from "../../parts/card.tsx"
import { Fact, Facts } from "../../parts/facts.tsx"
import { ProviderBadge } from "../../parts/provider-badge.tsx"
import { Time } from "../../parts/time.tsx"
import { linkTo } from "../../router.ts"
import { LimitsForm } from "./limits-form.tsx"

interface Props {
  provider: ProviderDetails
  pause: () => Promise<unknown>
  resume: () => Promise<unknown>
  change: (change: LimitsChange) => Promise<unknown>
}

export function ProviderCard({ provider, pause, resume, change }: Props) {
  const { name, models, pending, inFlight, blockedUntil, simulated, wireFormat, paused } = provider
  return (
    <Card
      title={name}
      aside={
        <div class="buttons">
          {simulated && <Badge tone="muted">simulated</Badge>}
          <ProviderBadge of={provider} />
        </div>
      }
    >
      <Facts>
        <Fact name="In flight">{formatCount(inFlight)}</Fact>
        <Fact name="Pending in its line">{formatCount(pending)}</Fact>
        <Fact name="Blocked until">
          <Time at={blockedUntil} />
        </Fact>
        <Fact name="Speaks">{wireFormat}</Fact>
      </Facts>
      <div class="buttons">
        {paused ? (
          <ActionButton label={`Resume ${name}`} tone="main" act={resume} />
        ) : (
          <ActionButton label={`Pause ${name}`} act={pause} />
        )}
        {provider.breaker !== "closed" && !paused && (
          <ActionButton
            label={`Close ${name}'s breaker`}
            act={resume}
            confirm="Calls start again at once, all that fit. Do this when its trouble is seen to."
          />
        )}
        <a href={linkTo(["dead-letters"])}>Its dead letters</a>
      </div>
      <LimitsForm
        of={name}
        limits={provider}
        save={({ concurrency, rpm, tpm }) => change({ concurrency, rpm, tpm })}
        path=""
      />
      {Object.entries(models).map(([model, limits]) => (
        <section key={model} aria-label={`Model ${model}`} class="form">
          <header class="buttons">
            <h3>{model}</h3>
            <ActionButton
              label={`No limits of ${model} alone`}
              act={() => change({ models: { [model]: null } })}
            />
          </header>
          <LimitsForm
            of={model}
            limits={limits}
            save={(next) => change({ models: { [model]: next } })}
            path={`/models/${model}`}
          />
        </section>
      ))}
    </Card>
  )
}
