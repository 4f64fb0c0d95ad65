import { execFile } from "node:child_process"
import { join, resolve } from "node:path"
import { promisify } from "node:util"

const PROJECT = resolve(import.meta.dirname, "../../..")
export const EXAMPLES = join(PROJECT, "examples")

const execute = promisify(execFile)

/** Runs a program in the project, and gives what it printed; rejects unless it exits with 0 in time. */
export async function run(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return (await execute(program, args, { cwd: PROJECT, env, timeout: 60_000 })).stdout
}

export function chatOf(content: string) {
  const messages = [{ role: "user" as const, content }]
  return { provider: "openai", model: "a-model", organizationId: "org-123", messages }
}
