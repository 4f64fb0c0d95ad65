/** Puts the renderer of the reference page beside it: too large to be committed. Plain Node, since `npm ci` runs it. */
import { copyFileSync, existsSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

const FILES = ["swagger-ui-bundle.js", "swagger-ui.css"]
const to = new URL("../public/docs/", import.meta.url)

try {
  const from = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"))
  for (const file of FILES) copyFileSync(join(from, file), new URL(file, to))
} catch (error) {
  // Without development packages, as in production installs, there is no page to serve.
  if (existsSync(new URL("../node_modules/vitest", import.meta.url))) throw error
}
