import type { NewKey, Priority, Scope } from "../../../client/client.ts"
import { SelectField, TextField } from "../../parts/field.tsx"
import { Form, problemAt, readNumber } from "../../parts/form.tsx"

const SCOPES: [Scope, string][] = [
  ["enqueue", "enqueue: ask, and replay"],
  ["read", "read: requests and figures"],
  ["cancel", "cancel: and discard dead letters"],
  ["admin", "admin: everything, for all organizations only"],
]
const PRIORITIES: [string, string][] = [
  ["", "any"],
  ["critical", "critical"],
  ["high", "high"],
  ["normal", "normal"],
  ["low", "low"],
]

export function IssueForm({ issue }: { issue: (key: NewKey) => Promise<unknown> }) {
  return (
    <Form
      label="Issue a key"
      submit="Issue the key"
      done="It is issued."
      act={(fields) => issue(readKey(fields))}
    >
      {(error) => (
        <>
          <div class="fields">
            <TextField
              {...{ label: "Name", name: "name", required: true, hint: "Which service will use it" }}
              problem={problemAt(error, "/name")}
            />
            <TextField
              {...{ label: "Organization", name: "organizationId", required: true, hint: "* stands for all" }}
              problem={problemAt(error, "/organizationId")}
            />
            <SelectField label="Priority at most" name="maxPriority" options={PRIORITIES} />
            <TextField
              {...{ label: "Calls a minute", name: "ratePerMinute", type: "number", placeholder: "no limit" }}
              problem={problemAt(error, "/ratePerMinute")}
            />
            <TextField
              {...{ label: "Ends", name: "expiresAt", type: "datetime-local", hint: "Empty: never" }}
              problem={problemAt(error, "/expiresAt")}
            />
          </div>
          <fieldset class="choices">
            <legend>May</legend>
            {SCOPES.map(([scope, title]) => (
              <label key={scope}>
                <input type="checkbox" name="scopes" value={scope} defaultChecked={scope === "enqueue"} />{" "}
                {title}
              </label>
            ))}
            {problemAt(error, "/scopes") && <span class="problem">{problemAt(error, "/scopes")}</span>}
          </fieldset>
        </>
      )}
    </Form>
  )
}

function readKey(fields: FormData): NewKey {
  const text = (name: string) => String(fields.get(name) ?? "").trim()
  return {
    name: text("name"),
    organizationId: text("organizationId"),
    scopes: fields.getAll("scopes") as Scope[],
    maxPriority: (text("maxPriority") || null) as Priority | null,
    ratePerMinute: readNumber(fields, "ratePerMinute"),
    expiresAt: text("expiresAt") === "" ? null : new Date(text("expiresAt")).getTime(),
  }
}
