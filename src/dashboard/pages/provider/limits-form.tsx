import type { Limits } from "../../../client/client.ts"
import { TextField } from "../../parts/field.tsx"
import { Form, problemAt, readNumber } from "../../parts/form.tsx"

interface Props {
  /** A provider, or one of its models. */
  of: string
  limits: Limits
  save: (limits: Limits) => Promise<unknown>
  /** Where an answer says what is wrong with them: `""`, or `/models/<name>`. */
  path: string
}

const FIELDS: [keyof Limits, string][] = [
  ["concurrency", "Calls at once"],
  ["rpm", "Calls a minute"],
  ["tpm", "Tokens a minute"],
]

/** What the account allows, changed where it stands. */
export function LimitsForm({ of, limits, save, path }: Props) {
  const act = (fields: FormData) =>
    save(Object.fromEntries(FIELDS.map(([name]) => [name, readNumber(fields, name)])) as unknown as Limits)
  return (
    <Form label={`Limits of ${of}`} submit="Save limits" done="Saved." act={act}>
      {(error) => (
        <div class="fields">
          {FIELDS.map(([name, label]) => (
            <TextField
              key={name}
              {...{ name, label, type: "number", placeholder: "no limit" }}
              defaultValue={limits[name] ?? ""}
              problem={problemAt(error, `${path}/${name}`)}
            />
          ))}
        </div>
      )}
    </Form>
  )
}
