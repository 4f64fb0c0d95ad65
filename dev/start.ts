/** `npm start`: the whole stack on this machine, in one process and its children, which ends as one. */
import { createLifetime } from "./lifetime.ts"

// First of all, before anything heavy is loaded: a signal may come at any moment.
const lifetime = createLifetime()
let exitCode = 0
try {
  const { startStack } = await import("./stack.ts")
  await startStack(process.cwd(), lifetime)
  await lifetime.ended
} catch (error) {
  if (!lifetime.isStopping) {
    exitCode = 1
    console.error(error instanceof Error ? error.message : error)
  }
}
await lifetime.close()
process.exit(exitCode)
