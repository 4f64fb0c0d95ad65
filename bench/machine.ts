import { cpus, totalmem } from "node:os"
import { findRedisServer } from "../dev/store-redis.ts"

/** What the figures were taken on, one line. */
export function describeMachine(): string {
  const server = findRedisServer()
  if (server === null) throw new Error("The benchmarks need redis-server or valkey-server on the PATH.")
  const memory = Math.round(totalmem() / 2 ** 30)
  const processor = cpus()[0]?.model.trim() ?? "unknown"
  return `${cpus().length} × ${processor}, ${memory} GiB, ${server.name}, Node ${process.versions.node}`
}
