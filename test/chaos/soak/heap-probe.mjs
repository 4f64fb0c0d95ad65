// Loaded into every Node process of the stack (NODE_OPTIONS): every 5 s it collects all that is collectable and notes in
// SOAK_HEAPS/<pid> what is left, bytes. What a heap holds between collections says how lazy V8 is, not what is retained.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { isMainThread } from "node:worker_threads"

const EVERY_MS = 5_000

if (isMainThread) {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc")
  const file = join(process.env.SOAK_HEAPS ?? ".", String(process.pid))
  setInterval(() => {
    collect()
    writeFileSync(file, String(process.memoryUsage().heapUsed))
  }, EVERY_MS).unref()
}
