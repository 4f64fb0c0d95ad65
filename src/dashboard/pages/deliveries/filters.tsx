import type { DeliveryFilter } from "../../../client/client.ts"
import { SelectField, TextField } from "../../parts/field.tsx"
import { go, linkTo } from "../../router.ts"
import { useSession } from "../../session.ts"

const NAMES = ["organizationId", "requestId", "state"] as const
const STATES = ["pending", "delivered", "failed", "exhausted", "blocked"]

/** What the address says. */
export function readFilter(query: URLSearchParams): DeliveryFilter {
  return Object.fromEntries(NAMES.flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : [])))
}

/** Sets the address, which sets everything else. */
export function Filters({ filter }: { filter: DeliveryFilter }) {
  const { self } = useSession()
  const change = (name: (typeof NAMES)[number]) => (value: string) =>
    go(linkTo(["deliveries"], { ...filter, [name]: value }), "replace")
  return (
    <search class="fields" aria-label="Filters">
      {self.organizationId === "*" && (
        <TextField
          {...{ label: "Organization", name: "organizationId", placeholder: "any" }}
          defaultValue={filter.organizationId ?? ""}
          onChange={change("organizationId")}
        />
      )}
      <TextField
        {...{ label: "Request", name: "requestId", placeholder: "any: req_…" }}
        defaultValue={filter.requestId ?? ""}
        onChange={change("requestId")}
      />
      <SelectField
        {...{ label: "State", name: "state", value: filter.state ?? "", onChange: change("state") }}
        options={[["", "any"], ...STATES.map((state): [string, string] => [state, state])]}
      />
    </search>
  )
}
