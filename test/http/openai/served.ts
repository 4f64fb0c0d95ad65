import OpenAI from "openai"
import { ADMIN_KEY, startBareWorker } from "../../../bench/stack/bare-worker.ts"
import { newOperationId } from "../../../src/core/ids.ts"
import { documentedFetch } from "../../helpers/documented.ts"
import { startBestStore, type TestStore } from "../../helpers/store.ts"

/** The Worker in workerd behind a real socket, and the official client. */
export interface Served {
  url: string
  key: string
  queueName: string
  /** Of workerd. */
  pid: number
  store: TestStore
  /** Of the tenant; `default` unless told otherwise. */
  openai(organization?: string): OpenAI
  close(): Promise<void>
}

export async function serve(
  env: Record<string, string> = {},
  limits: { maxHeapMb?: number } = {},
): Promise<Served> {
  const store = await startBestStore()
  const queueName = `openai-${newOperationId()}`
  const nowhere = { OPENAI_BASE_URL: "http://127.0.0.1:9" }
  const worker = await startBareWorker({
    ...{ store, ...limits },
    env: { QUEUE_NAME: queueName, DRAIN_LANES: "0", ...nowhere, ...env },
  })
  return {
    ...{ url: worker.url, key: ADMIN_KEY, queueName, pid: worker.pid, store },
    openai: (organization) =>
      new OpenAI({
        apiKey: ADMIN_KEY,
        baseURL: `${worker.url}/v1`,
        organization: organization ?? null,
        maxRetries: 0,
        fetch: documentedFetch,
      }),
    close: async () => {
      await worker.stop()
      await store.close()
    },
  }
}
