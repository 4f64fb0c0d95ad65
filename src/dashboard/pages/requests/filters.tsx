import type { RequestFilter, Self } from "../../../client/client.ts"
import { SelectField, TextField } from "../../parts/field.tsx"
import { PRIORITIES } from "../../priorities.ts"
import { go, linkTo } from "../../router.ts"
import { seesAll, useSession } from "../../session.ts"

const NAMES = ["state", "organizationId", "provider", "model", "priority", "errorCode"] as const
type Name = (typeof NAMES)[number]

const STATES = ["scheduled", "pending", "processing", "completed", "failed", "cancelled"]
const CODES = [
  ...[
    "provider_rejected",
    "provider_auth",
    "provider_quota",
    "provider_rate_limited",
    "provider_unavailable",
  ],
  ...["provider_overloaded", "provider_invalid_response", "timeout", "network", "deadline_exceeded"],
  ...["lease_expired", "result_too_large", "internal"],
]

/** What the address says. A key for all organizations has to name a state or an organization: the failed ones, unless told. */
export function readFilter(query: URLSearchParams, self: Self): RequestFilter {
  const given = NAMES.flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : []))
  const filter = Object.fromEntries(given) as RequestFilter
  const isTooWide = seesAll(self) && filter.state === undefined && filter.organizationId === undefined
  return isTooWide ? { ...filter, state: "failed" } : filter
}

/** Sets the address, which sets everything else. */
export function Filters({ filter }: { filter: RequestFilter }) {
  const { self } = useSession()
  const change = (name: Name) => (value: string) =>
    go(linkTo(["requests"], { ...(filter as Record<string, string>), [name]: value }), "replace")
  const choose = (name: Name, label: string, any: string | null, values: readonly string[]) => (
    <SelectField
      {...{ label, name, onChange: change(name) }}
      value={filter[name] ?? ""}
      options={[
        ...(any === null ? [] : [["", any] as [string, string]]),
        ...values.map((value): [string, string] => [value, value]),
      ]}
    />
  )
  const write = (name: Name, label: string) => (
    <TextField
      {...{ label, name, placeholder: "any", onChange: change(name) }}
      defaultValue={filter[name] ?? ""}
    />
  )
  const isStateFree = !seesAll(self) || filter.organizationId !== undefined
  return (
    <search class="fields" aria-label="Filters">
      {choose("state", "State", isStateFree ? "any" : null, STATES)}
      {self.organizationId === "*" && write("organizationId", "Organization")}
      {write("provider", "Provider")}
      {write("model", "Model")}
      {choose("priority", "Priority", "any", PRIORITIES)}
      {choose("errorCode", "Error", "any", CODES)}
    </search>
  )
}
