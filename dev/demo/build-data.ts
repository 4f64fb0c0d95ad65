/**
 * Builds `examples/data/requests.jsonl`, what `npm run demo` posts, out of a folder that holds
 * `azure-llm-2023-conv.csv` and `banking77-test.csv`. The same inputs give the same file.
 *
 *   node dev/demo/build-data.ts <folder>
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
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

/** `2023-11-16 18:15:46.6805900,374,44`: time, context tokens, generated tokens. */
function readTrace(file: string) {
  const lines = readFileSync(file, "utf8").trim().split("\n").slice(1)
  return lines.slice(FIRST_ROW, FIRST_ROW + ROWS).map((line) => {
    const [time = "", contextTokens, generatedTokens] = line.split(",")
    const at = Date.parse(`${time.slice(0, 23).replace(" ", "T")}Z`)
    return { at, contextTokens: Number(contextTokens), generatedTokens: Number(generatedTokens) }
  })
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
  console.error("usage: node dev/demo/build-data.ts <folder with the two CSV files>")
  process.exit(1)
}
const trace = readTrace(join(folder, "azure-llm-2023-conv.csv"))
const questions = readQuestions(join(folder, "banking77-test.csv"))
const lines = trace.map(({ at, contextTokens, generatedTokens }, i) => {
  const { text = "", intent = "" } = questions[(i * STEP) % questions.length] ?? {}
  const offsetMs = at - (trace[0]?.at ?? 0)
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
