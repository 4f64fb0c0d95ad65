/// <reference types="@cloudflare/vitest-plugin/types" />

declare namespace Cloudflare {
  /** As `test/helpers/worker-setup.ts` sets them. */
  interface Env {
    ADMIN_API_KEY: string
    QUEUE_NAME: string
    UPSTASH_REDIS_REST_URL: string
    UPSTASH_REDIS_REST_TOKEN: string
    DRAIN_LANES: string
    DRAIN_CONCURRENCY: string
    ALLOW_SIMULATOR: string
    SIMULATOR_URL: string
    LANES: DurableObjectNamespace<import("../../src/index.ts").DrainLane>
  }
  interface GlobalProps {
    mainModule: typeof import("../../src/index.ts")
  }
}
