/** `npm run demo`: real prompts at real arrival times, through the whole stack, and what became of them. */
import { createLifetime } from "./lifetime.ts"

const lifetime = createLifetime()
let exitCode = 1
try {
  const { readOptions, USAGE } = await import("./demo/options.ts")
  const options = readOptions(process.argv.slice(2))
  if (options.help) {
    console.log(USAGE)
    exitCode = 0
  } else {
    const { runDemo } = await import("./demo/run-demo.ts")
    exitCode = (await runDemo(process.cwd(), options, lifetime)) ? 0 : 1
  }
} catch (error) {
  console.error(lifetime.isStopping ? "stopped" : error instanceof Error ? error.message : error)
}
await lifetime.close()
process.exit(exitCode)
