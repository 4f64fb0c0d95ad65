import { CommanderError } from "commander"
import { exitCodeOf, explain, toJson } from "./exit.ts"
import { createProgram } from "./program.ts"

// `… | head` has read enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
  process.exit(0)
})

const program = createProgram()
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
  // The parser has told what it found itself.
  if (!(error instanceof CommanderError)) {
    const isJson = program.opts<{ json?: boolean }>().json === true
    process.stderr.write(
      `${isJson ? JSON.stringify(toJson(error)) : `ai-request-queue: ${explain(error)}`}\n`,
    )
  }
}
