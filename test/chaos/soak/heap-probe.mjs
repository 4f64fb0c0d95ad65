// Loaded into every Node process of the stack (NODE_OPTIONS): notes in SOAK_HEAPS/<pid> what its heap held after the last
// full collection, bytes. Between collections a heap grows in any program; after them only in one that forgets to forget.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { constants, PerformanceObserver } from "node:perf_hooks"
import { isMainThread } from "node:worker_threads"

if (isMainThread) {
  const file = join(process.env.SOAK_HEAPS ?? ".", String(process.pid))
  new PerformanceObserver((list) => {
    const isFull = list.getEntries().some(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR)
    if (isFull) writeFileSync(file, String(process.memoryUsage().heapUsed))
  }).observe({ entryTypes: ["gc"] })
}
