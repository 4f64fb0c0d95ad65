import { HistoryQuery } from "../../../src/core/contracts/parameters.ts"
import { CleanedUp, Health, Paused, Provider, Providers, Stats, Weight } from "../answers.ts"
import { Cleanup, NewLimits, NewWeight } from "../bodies.ts"
import type { Operation, Routes } from "../operation.ts"
import { History, Pulse } from "../pulse-answers.ts"

const tag = "Queue"
const json = "application/json"

function pausing(what: "queue" | "provider", verb: "pause" | "resume"): Operation {
  const paused = verb === "pause" ? "Starts nothing more" : "Goes on"
  return {
    operationId: `${verb}${what === "queue" ? "Queue" : "Provider"}`,
    summary: `${paused}${what === "queue" ? "" : " at this provider"}`,
    description: "Idempotent; what is in flight finishes.",
    tag,
    scope: "admin",
    answers: { 200: { description: "It is so now.", content: { [json]: Paused } } },
    refusals: what === "queue" ? [] : [404],
  }
}

export const queueRoutes: Routes = {
  "/v1/health": {
    get: {
      operationId: "getHealth",
      summary: "Tells how the queue is",
      description: "`degraded`: a backlog is not being drained. May be 5 s old.",
      tag,
      scope: null,
      answers: {
        200: { description: "It works.", content: { [json]: Health } },
        503: { description: "It is down: the store cannot be reached.", content: { [json]: Health } },
      },
    },
  },
  "/v1/stats": {
    get: {
      operationId: "getStats",
      summary: "Tells figures",
      description:
        "A key for one organization gets its counts alone, from its newest 1,000 requests. `LastMinute` is the last 60 s, percentiles cover 15 minutes.",
      tag,
      scope: "read",
      answers: { 200: { description: "The figures.", content: { [json]: Stats } } },
    },
  },
  "/v1/stats/history": {
    get: {
      operationId: "getHistory",
      summary: "Tells figures of the past",
      description:
        "`from` and `to` are epoch ms, by default the last hour; `step` is seconds, and there are at most 1,500 of them. Minutes are kept for a day, hours for a month: from more than a day ago `step` is whole hours. The last point is still growing. Needs a key for all organizations.",
      tag,
      scope: "read",
      query: HistoryQuery,
      answers: { 200: { description: "The span, in steps.", content: { [json]: History } } },
    },
  },
  "/v1/pulse": {
    get: {
      operationId: "getPulse",
      summary: "Tells how the queue is doing right now, and what is wrong",
      description: "Needs a key for all organizations. Cheap enough to be asked for every few seconds.",
      tag,
      scope: "read",
      answers: { 200: { description: "Its figures and troubles.", content: { [json]: Pulse } } },
    },
  },
  "/metrics": {
    get: {
      operationId: "getMetrics",
      summary: "Tells figures to Prometheus and its like",
      description:
        "OpenMetrics 1.0, or the text format 0.0.4 of Prometheus where `Accept` prefers `text/plain`. Needs an issued key for all organizations: the bootstrap key is refused.",
      tag,
      scope: "read",
      answers: {
        200: {
          description: "The metrics that docs/metrics.md lists.",
          content: { "application/openmetrics-text": "text", "text/plain": "text" },
        },
      },
    },
  },
  "/v1/cleanup": {
    post: {
      operationId: "cleanUp",
      summary: "Removes what is past its time",
      tag,
      scope: "admin",
      body: {
        schema: Cleanup,
        isOptional: true,
        examples: {
          plain: { summary: "Only what is past its time", value: {} },
          old: { summary: "Also what finished a week ago", value: { olderThanSeconds: 604_800 } },
        },
      },
      answers: { 200: { description: "What went.", content: { [json]: CleanedUp } } },
    },
  },
  "/v1/queue/pause": { post: pausing("queue", "pause") },
  "/v1/queue/resume": { post: pausing("queue", "resume") },
  "/v1/providers": {
    get: {
      operationId: "listProviders",
      summary: "Lists the configured providers, with limits and state",
      description: "Needs a key for all organizations.",
      tag,
      scope: "read",
      answers: { 200: { description: "All of them.", content: { [json]: Providers } } },
    },
  },
  "/v1/providers/{name}": {
    patch: {
      operationId: "changeLimits",
      summary: "Changes a provider's limits, for every process",
      tag,
      scope: "admin",
      body: {
        schema: NewLimits,
        examples: {
          rate: { summary: "600 calls a minute", value: { rpm: 600 } },
          model: {
            summary: "Of one model, and no other limit",
            value: { concurrency: null, models: { "gpt-5-mini": { tpm: 200_000 } } },
          },
        },
      },
      answers: { 200: { description: "The provider as it is now.", content: { [json]: Provider } } },
      refusals: [404],
    },
  },
  "/v1/providers/{name}/pause": { post: pausing("provider", "pause") },
  "/v1/providers/{name}/resume": { post: pausing("provider", "resume") },
  "/v1/organizations/{organizationId}": {
    patch: {
      operationId: "changeWeight",
      summary: "Changes an organization's share beside the others'",
      tag,
      scope: "admin",
      body: { schema: NewWeight, examples: { twice: { summary: "Twice as much", value: { weight: 2 } } } },
      answers: { 200: { description: "Its share now.", content: { [json]: Weight } } },
    },
  },
}
