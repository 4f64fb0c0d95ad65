import type { AlertRule } from "../../../client/client.ts"

interface RuleMember {
  name: "seconds" | "percent" | "attempts"
  label: string
  /** What it is when it is left empty. */
  byDefault: number
}

/** What can ring, and what each wants to know; docs/alerts.md. */
export const RULES: { name: AlertRule; title: string; members: RuleMember[] }[] = [
  {
    name: "no_drain",
    title: "no_drain: nothing claims what waits",
    members: [{ name: "seconds", label: "For so many seconds", byDefault: 180 }],
  },
  { name: "breaker_open", title: "breaker_open: a provider does not answer", members: [] },
  {
    name: "backlog_age",
    title: "backlog_age: requests wait long",
    members: [{ name: "seconds", label: "For so many seconds", byDefault: 600 }],
  },
  {
    name: "failure_rate",
    title: "failure_rate: many attempts fail",
    members: [
      { name: "percent", label: "Percent that fail", byDefault: 25 },
      { name: "attempts", label: "Of so many attempts", byDefault: 20 },
    ],
  },
  {
    name: "command_budget",
    title: "command_budget: the day's is nearly spent",
    members: [{ name: "percent", label: "Percent of the budget", byDefault: 80 }],
  },
]
