/**
 * Writes `public/openapi.json` from the schemas that validate and from `dev/openapi`. `--check` fails when the committed
 * document is not what they say.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { buildDocument } from "./openapi/document.ts"

const TARGET = new URL("../public/openapi.json", import.meta.url)
const text = `${JSON.stringify(buildDocument(), null, 2)}\n`

if (process.argv.includes("--check")) {
  if (readFileSync(TARGET, "utf8") !== text) {
    console.error("public/openapi.json is stale: run npm run build:openapi")
    process.exit(1)
  }
} else {
  writeFileSync(TARGET, text)
}
