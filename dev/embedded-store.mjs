// The thread of `store-embedded.ts`: serves an in-memory Redis on a Unix socket and says when it listens.
// Plain JavaScript, so that a thread can run it on every supported Node.
import { parentPort, workerData } from "node:worker_threads"
import {
  createRedisCommandExecutor,
  RedisServerState,
  Resp2Server,
  resolveCompatibilityProfile,
  setLuaWasmLoadOptions,
} from "js-redis-server/core"

// Its default stops a script after some ten million instructions; Redis stops none.
setLuaWasmLoadOptions({ limits: { maxFuel: 1_000_000_000 } })
// The version of Debian's Redis, beside which the tests run it.
const compatibility = resolveCompatibilityProfile("redis-7.0")
const server = new Resp2Server({
  server: new RedisServerState({ databaseCount: 1, compatibility }),
  executor: createRedisCommandExecutor({ compatibility }),
})
// Assembled by hand, because the package's own `createRedisServer` listens on every network interface.
await server.listen(workerData.socketPath)
parentPort?.postMessage("listening")
