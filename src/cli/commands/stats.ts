import type { Command } from "commander"
import { print, printJson } from "../output.ts"
import { openSession } from "../session.ts"
import { formatStats } from "../stats-view.ts"

export function addStats(program: Command): void {
  const command = program
    .command("stats")
    .summary("show the queue's figures")
    .description("Shows the queue's figures; with a tenant's key, counts of its own requests.")
    .action(async () => {
      const { client, output } = openSession(command)
      const stats = await client.stats()
      if (output.isJson) return printJson(output, stats)
      print(output, formatStats(output.out, stats))
    })
}
