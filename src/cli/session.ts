import type { Command } from "commander"
import { AIRequestQueueClient, type ClientOptions } from "../client/client.ts"
import { UsageError } from "./exit.ts"
import { createOutput, type Output } from "./output.ts"

interface GlobalOptions {
  url: string
  json?: boolean
}

/** What every command works with. */
export interface Session {
  url: string
  client: AIRequestQueueClient
  output: Output
}

/** The key comes from the environment alone: what is on a command line, others on the machine can read. */
export function openSession(command: Command, options: Pick<ClientOptions, "maxRetries"> = {}): Session {
  const { url, json = false } = command.optsWithGlobals<GlobalOptions>()
  const apiKey = process.env.AIQ_API_KEY ?? ""
  if (apiKey === "") {
    throw new UsageError(
      "AIQ_API_KEY is not set. It takes an issued key (aiq_…), or the admin key that `npm start` prints.",
    )
  }
  try {
    return { url, client: new AIRequestQueueClient({ url, apiKey, ...options }), output: createOutput(json) }
  } catch (error) {
    throw new UsageError(
      `AIQ_URL (or --url) or AIQ_API_KEY cannot be right: ${(error as TypeError).message}.`,
    )
  }
}
