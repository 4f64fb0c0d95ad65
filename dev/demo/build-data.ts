/**
 * Builds `examples/data/requests.jsonl`, what `npm run demo` posts, out of a trace in `bench/data` and a folder that holds
 * `banking77-test.csv`. The same inputs give the same file.
 *
 *   node dev/demo/build-data.ts <folder>
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { readTrace } from "../../bench/data/read-trace.ts"
import type { Priority } from "../../src/core/request.ts"
import type { DemoRow } from "./rows.ts"

const TARGET = new URL("../../examples/data/requests.jsonl", import.meta.url)
/** Where the trace is busiest: 8 requests a second on average, 18 at its peak. */
const FIRST_ROW = 10_400
const ROWS = 400
/** The questions are sorted by intent. Steps of a prime that does not divide their number mix them, none twice. */
const STEP = 997

/** How urgent a bank would find what its customers ask. Everything else is normal. */
const INTENTS: Record<Exclude<Priority, "normal">, string[]> = {
  critical: `lost_or_stolen_card lost_or_stolen_phone compromised_card card_payment_not_recognised
    cash_withdrawal_not_recognised direct_debit_payment_not_recognised`.split(/\s+/),
  high: `Refund_not_showing_up card_not_working card_swallowed contactless_not_working declined_card_payment
    declined_cash_withdrawal declined_transfer failed_transfer passcode_forgotten pin_blocked
    reverted_card_payment? top_up_failed top_up_reverted transaction_charged_twice
    transfer_not_received_by_recipient virtual_card_not_working wrong_amount_of_cash_received`.split(/\s+/),
  low: `age_limit card_acceptance country_support disposable_card_limits edit_personal_details exchange_rate
    exchange_via_app fiat_currency_support get_disposable_virtual_card get_physical_card getting_spare_card
    getting_virtual_card order_physical_card supported_cards_and_currencies top_up_limits visa_or_mastercard
    why_verify_identity`.split(/\s+/),
}

function priorityOf(intent: string): Priority {
  const found = Object.entries(INTENTS).find(([, intents]) => intents.includes(intent))
  return (found?.[0] as Priority | undefined) ?? "normal"
}

/** `text,category`, where a text with a comma, a quote or a line break is quoted. */
function readQuestions(file: string): { text: string; intent: string }[] {
  const records = readFileSync(file, "utf8").matchAll(/^(?:"((?:[^"]|"")*)"|([^",\n]*)),([^,\r\n]+)\r?$/gm)
  const questions = [...records].map(([, quoted, bare = "", intent = ""]) => ({
    text: (quoted?.replaceAll('""', '"') ?? bare).trim(),
    intent,
  }))
  return questions.filter(({ intent }) => intent !== "category")
}

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.error("usage: node dev/demo/build-data.ts <folder with the CSV file>")
  process.exit(1)
}
const trace = readTrace("conv").slice(FIRST_ROW, FIRST_ROW + ROWS)
const questions = readQuestions(join(folder, "banking77-test.csv"))
const lines = trace.map(({ arrivalMs, contextTokens, generatedTokens }, i) => {
  const { text = "", intent = "" } = questions[(i * STEP) % questions.length] ?? {}
  const offsetMs = arrivalMs - (trace[0]?.arrivalMs ?? 0)
  const row: DemoRow = {
    offsetMs,
    contextTokens,
    generatedTokens,
    priority: priorityOf(intent),
    intent,
    prompt: text,
  }
  return JSON.stringify(row)
})
writeFileSync(TARGET, `${lines.join("\n")}\n`)
console.log(`${lines.length} requests out of ${questions.length} questions`)
