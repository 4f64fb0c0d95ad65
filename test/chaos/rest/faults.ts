import type { FaultRule } from "../../../dev/bridge/faults.ts"
import { SECRET } from "./scenarios.ts"

/** As a proxy does that shows what it could not deliver. */
const ECHO = `<html>Bad gateway: ${SECRET}</html>`
/** What can happen on the way to the store, by its name in docs and tables. */
export const FAULTS: Record<string, FaultRule> = {
  "the connection ends before it is executed": { fault: "drop", when: "before" },
  "the connection ends after it was executed": { fault: "drop", when: "after" },
  "the connection is reset before it is executed": { fault: "reset", when: "before" },
  "the connection is reset after it was executed": { fault: "reset", when: "after" },
  "it is delivered twice": { fault: "repeat" },
  "the store is overloaded (500 before)": { fault: "status", status: 500, when: "before" },
  "the answer turns into a 500": { fault: "status", status: 500, when: "after" },
  "there are too many requests (429)": { fault: "status", status: 429 },
  "a proxy answers with HTML (502 before)": { fault: "status", status: 502, body: ECHO },
  "a proxy answers with HTML (502 after)": { fault: "status", status: 502, body: ECHO, when: "after" },
  "the answer is no JSON": { fault: "status", status: 200, body: `{"result": ${SECRET}`, when: "after" },
  "the answer is empty": { fault: "status", status: 200, body: "", when: "after" },
  "the scripts are forgotten": { fault: "noscript" },
}

/** They are answered all the same, however often they happen. */
export function isHarmless({ fault }: FaultRule): boolean {
  return fault === "noscript" || fault === "repeat"
}
