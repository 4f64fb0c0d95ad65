import type { AlertRules, AlertsChange, AlertsView } from "../../../client/client.ts"
import { ActionButton } from "../../parts/action-button.tsx"
import { Card } from "../../parts/card.tsx"
import { Fact, Facts } from "../../parts/facts.tsx"
import { Empty } from "../../parts/states.tsx"
import { RULES } from "./rule-words.ts"
import { RulesForm } from "./rules-form.tsx"

interface Props {
  view: AlertsView
  /** Absent: this key may not. */
  change?: (change: AlertsChange) => Promise<unknown>
}

/** The rules in force. */
export function Rules({ view, change }: Props) {
  const { changed, rules } = view
  return (
    <Card title="Rules" isWide>
      <p class="muted">
        {changed.length === 0
          ? "As the setting ALERTS says, without which nothing rings: set it, to {} at least. What is changed here is so for every process until it is changed again."
          : `Other than the setting ALERTS says: ${changed.join(", ")}.`}
      </p>
      {change === undefined ? (
        <InForce rules={rules} />
      ) : (
        <>
          {changed.length > 0 && (
            <div class="buttons">
              <ActionButton
                label="Return to the setting"
                confirm="What was changed at run time is forgotten: URL, rules and reminders are as ALERTS says."
                act={() => change({ url: null, rules: null, remindHours: null })}
              />
            </div>
          )}
          <RulesForm view={view} change={change} />
        </>
      )}
    </Card>
  )
}

function InForce({ rules }: { rules: AlertRules }) {
  const chosen = RULES.filter(({ name }) => rules[name] !== undefined)
  if (chosen.length === 0) return <Empty>None: nothing rings.</Empty>
  return (
    <Facts>
      {chosen.map(({ name }) => (
        <Fact key={name} name={name}>
          {Object.entries(rules[name] ?? {})
            .map(([member, value]) => `${value} ${member}`)
            .join(", ") || "always"}
        </Fact>
      ))}
    </Facts>
  )
}
