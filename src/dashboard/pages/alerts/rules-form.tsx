import type { AlertRule, AlertRules, AlertsChange, AlertsView } from "../../../client/client.ts"
import { TextField } from "../../parts/field.tsx"
import { Form, problemAt, readNumber } from "../../parts/form.tsx"
import { RULES } from "./rule-words.ts"

interface Props {
  view: AlertsView
  change: (change: AlertsChange) => Promise<unknown>
}

/** All that can be changed while the queue runs. The URL is not shown whole, so an empty one stays as it is. */
export function RulesForm({ view, change }: Props) {
  const { url, rules, remindHours } = view
  return (
    <Form
      label="Rules of alerts"
      submit="Save the rules"
      done="Saved."
      act={(of) => change(readChange(of, view))}
    >
      {(error) => (
        <>
          {RULES.map(({ name, title, members }) => (
            <fieldset key={name} class="rule">
              <legend class="hidden">{name}</legend>
              <label>
                <input type="checkbox" name="rules" value={name} defaultChecked={rules[name] !== undefined} />{" "}
                {title}
              </label>
              {members.map((member) => (
                <TextField
                  key={member.name}
                  {...{ label: member.label, name: `${name}.${member.name}`, type: "number" }}
                  placeholder={`${member.byDefault}`}
                  defaultValue={limitsOf(rules, name)[member.name] ?? ""}
                  problem={problemAt(error, `/rules/${name}/${member.name}`)}
                />
              ))}
            </fieldset>
          ))}
          <div class="fields">
            <TextField
              {...{ label: "Told again after hours", name: "remindHours", type: "number", hint: "0: never" }}
              defaultValue={remindHours}
              problem={problemAt(error, "/remindHours")}
            />
          </div>
          <TextField
            {...{ label: "Another URL to tell", name: "url", placeholder: "https://…" }}
            hint={url === null ? "There is none" : "Empty: as it is"}
            problem={problemAt(error, "/url")}
          />
        </>
      )}
    </Form>
  )
}

function limitsOf(rules: AlertRules, name: keyof AlertRules): Record<string, number | undefined> {
  return { ...rules[name] }
}

/** Only what is other than it was: the rest goes on to be as the setting says. */
function readChange(fields: FormData, { rules, remindHours }: AlertsView): AlertsChange {
  const url = String(fields.get("url") ?? "").trim()
  const hours = readNumber(fields, "remindHours")
  const chosen = fields.getAll("rules")
  const asked = writeRules(
    (name) => chosen.includes(name),
    (name, member) => readNumber(fields, `${name}.${member}`),
  )
  const before = writeRules(
    (name) => rules[name] !== undefined,
    (name, member) => limitsOf(rules, name)[member],
  )
  return {
    ...(JSON.stringify(asked) !== JSON.stringify(before) && { rules: asked }),
    ...(hours !== remindHours && { remindHours: hours }),
    ...(url !== "" && { url }),
  }
}

function writeRules(
  isChosen: (name: AlertRule) => boolean,
  read: (name: AlertRule, member: string) => number | null | undefined,
): AlertRules {
  const rules = RULES.filter(({ name }) => isChosen(name)).map(({ name, members }) => [
    name,
    Object.fromEntries(members.map((member) => [member.name, read(name, member.name) ?? member.byDefault])),
  ])
  return Object.fromEntries(rules)
}
