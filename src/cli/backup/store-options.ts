import type { Command } from "commander"
import { UsageError } from "../exit.ts"

export interface StoreFlags {
  redisUrl?: string
  queue?: string
}

/** The store and the queue in it. The token comes from the environment alone, as keys do. */
export interface StoreTarget {
  redis: { url: string; token: string }
  queueName: string
}

export function addStoreOptions(command: Command): Command {
  return command
    .option("--redis-url <url>", "the store; default: UPSTASH_REDIS_REST_URL")
    .option("--queue <name>", "the queue in it; default: QUEUE_NAME, or else `default`")
}

export function readStore({ redisUrl, queue }: StoreFlags): StoreTarget {
  const { UPSTASH_REDIS_REST_URL = "", UPSTASH_REDIS_REST_TOKEN: token = "", QUEUE_NAME = "" } = process.env
  const url = redisUrl ?? UPSTASH_REDIS_REST_URL
  const queueName = queue ?? (QUEUE_NAME || "default")
  if (!/^https?:\/\//.test(url) || token === "") {
    throw new UsageError(
      "Set UPSTASH_REDIS_REST_URL (or --redis-url) and UPSTASH_REDIS_REST_TOKEN: this works on the store itself.",
    )
  }
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(queueName)) {
    throw new UsageError("A queue's name has 1 to 64 letters, digits, dots, dashes or underscores.")
  }
  return { redis: { url, token }, queueName }
}
