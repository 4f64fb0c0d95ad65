import type { StatusReply } from "../../../client/client.ts"
import { formatDuration } from "../../format.ts"
import { Badge, type Tone } from "../../parts/badge.tsx"
import { Time } from "../../parts/time.tsx"

interface Step {
  at: number
  title: string
  tone: Tone
  details: string[]
}

type Attempt = StatusReply["attempts"][number]

const TONES: Record<Attempt["result"], Tone> = {
  completed: "good",
  retry: "warn",
  failed: "bad",
  cancelled: "muted",
  lease_expired: "warn",
}

export function Timeline({ request }: { request: StatusReply }) {
  return (
    <ol class="timeline">
      {stepsOf(request).map(({ at, title, tone, details }) => (
        <li key={`${at} ${title}`}>
          <Badge tone={tone}>{title}</Badge> <Time at={at} />
          {details.map((detail) => (
            <p key={detail} class="muted">
              {detail}
            </p>
          ))}
        </li>
      ))}
    </ol>
  )
}

function stepsOf(request: StatusReply): Step[] {
  const { attempts, createdAt, finishedAt, scheduledAt, startedAt, state } = request
  const steps: Step[] = [{ at: createdAt, title: "enqueued", tone: "info", details: [] }]
  for (const attempt of attempts) steps.push(stepOf(attempt, steps.at(-1)?.at ?? createdAt))
  if (state === "scheduled" && scheduledAt !== null) {
    const title = attempts.length === 0 ? "due" : "tried again"
    steps.push({ at: scheduledAt, title, tone: "muted", details: [] })
  }
  if (state === "processing" && startedAt !== null) {
    steps.push({ at: startedAt, title: "being called", tone: "info", details: [] })
  }
  if (finishedAt !== null) {
    const tone = state === "completed" ? "good" : state === "failed" ? "bad" : "muted"
    const details = [`${formatDuration(Math.max(0, finishedAt - createdAt))} after it was enqueued`]
    steps.push({ at: finishedAt, title: state, tone, details })
  }
  return steps
}

function stepOf(attempt: Attempt, before: number): Step {
  const { number, provider, model, startedAt, finishedAt, result, error } = attempt
  return {
    at: startedAt,
    title: `attempt ${number}: ${result.replace("_", " ")}`,
    tone: TONES[result],
    details: [
      `${provider}/${model}, ${formatDuration(Math.max(0, finishedAt - startedAt))}; waited ${formatDuration(Math.max(0, startedAt - before))}`,
      ...(error === null
        ? []
        : [`${error.code}${error.status === null ? "" : ` (${error.status})`}: ${error.message}`]),
      ...(attempt.possiblyBilled ? ["The provider may have charged for it."] : []),
      ...(attempt.providerRequestId === null ? [] : [`The provider's id: ${attempt.providerRequestId}`]),
    ],
  }
}
