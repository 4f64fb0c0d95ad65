import type { Goal, SectionResult, Table } from "./section.ts"

/** As Markdown, so that it can be pasted into the documents. */
export function printResult({ tables, goals, notes }: SectionResult): void {
  for (const table of tables) printTable(table)
  for (const note of notes) console.log(`${note}\n`)
  for (const goal of goals) console.log(describeGoal(goal))
  console.log()
}

export function printTable(table: Table): void {
  console.log(formatTable(table))
}

export function formatTable({ title, columns, rows }: Table): string {
  const lines = [columns, columns.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`)
  return `${[title, "", ...lines].join("\n")}\n`
}

function describeGoal({ what, measured, relation, limit }: Goal): string {
  const isMet = relation === "<=" ? measured <= limit : measured >= limit
  return `${isMet ? "met" : "NOT MET"}: ${what}: ${measured.toFixed(2)} (goal ${relation} ${limit})`
}
