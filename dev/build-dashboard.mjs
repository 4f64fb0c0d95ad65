/** Builds the dashboard into `public/dashboard`. Plain JavaScript, since `npm ci` runs it. */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))

/** null without development packages, as in production installs, and where they cannot run: then there is no page to serve. */
async function loadVite() {
  if (!existsSync(path("../node_modules/vite"))) return null
  try {
    return await import("vite")
  } catch (error) {
    console.warn(`The dashboard is not built, since Vite does not run here: ${error.message}`)
    return null
  }
}

const vite = await loadVite()
await vite?.build({
  configFile: false,
  root: path("../src/dashboard"),
  base: "/dashboard/",
  publicDir: false,
  logLevel: "warn",
  build: {
    outDir: path("../public/dashboard"),
    emptyOutDir: true,
    target: "es2022",
    // Nothing may be inlined: the page's policy allows its own files alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})
