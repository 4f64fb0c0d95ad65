import { cloudflareTest } from "@cloudflare/vitest-plugin"
import { fetch } from "miniflare"
import { configDefaults, defineConfig } from "vitest/config"

// `worker`: the Worker inside workerd. `node`: everything that Node can run, on real stores and sockets; its tests wait more
// than they work, so more files run at a time than there are processors. `scale`: many lanes, and what they come to, one file
// at a time, for they need the machine. `e2e`: the whole stack as processes. `chaos`: faults, a bounded part of `npm run chaos`.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: [
            ...configDefaults.exclude,
            "test/worker/**",
            "test/scale/**",
            "test/chaos/**",
            "test/e2e/**",
          ],
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler: { configPath: "./wrangler.toml" },
            remoteBindings: false,
            miniflare: {
              bindings: inject("workerVariables"),
              // Store and simulator listen on 127.0.0.1; nothing else may be reached.
              outboundService: (request) =>
                new URL(request.url).hostname === "127.0.0.1"
                  ? fetch(request)
                  : new Response(`The tests must not call ${request.url}`, { status: 599 }),
            },
          })),
        ],
        test: {
          name: "worker",
          // Each test has its own queue and settings, so files may share a runtime; that saves seconds per file.
          isolate: false,
          include: ["test/worker/**/*.test.ts"],
          globalSetup: ["test/helpers/worker-setup.ts"],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "scale",
          include: ["test/scale/**/*.test.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "chaos",
          include: ["test/chaos/**/*.test.ts"],
          maxWorkers: 2,
          sequence: { groupOrder: 4 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          // They mostly wait for each other's processes.
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
