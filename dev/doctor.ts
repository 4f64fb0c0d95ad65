/** `npm run doctor`: is what is configured fit for the queue, and if not, what to do about it. */
import { parseArgs } from "node:util"
import { examine } from "./doctor/examine.ts"
import { formatFindings } from "./doctor/finding.ts"

const USAGE = `npm run doctor -- [options]

  --local   look at the local stack of npm start, also when an Upstash database is configured
  --json    {ok, findings: [{level, check, message, remedy}]} for machines
  --help    this text

Looks at the store and the providers in the shell and in .dev.vars; without a store there, at the local stack on PORT.
Makes no paid call and prints no secret. Exit code 1: something must be fixed.`

try {
  const { values } = parseArgs({
    options: {
      local: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
  } else {
    const findings = await examine(process.cwd(), process.env, values.local)
    const ok = findings.every(({ level }) => level !== "problem")
    console.log(values.json ? JSON.stringify({ ok, findings }, null, 2) : formatFindings(findings))
    process.exitCode = ok ? 0 : 1
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
