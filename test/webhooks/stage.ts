import { afterAll, beforeAll, beforeEach } from "vitest"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { type Receiver, startReceiver } from "./receiver.ts"
import { createScene, type Scene } from "./scene.ts"

// What the tests of a file share: a store, a receiver that says yes, and before each test an empty queue.

export let store: TestStore
export let receiver: Receiver
export let scene: Scene

beforeAll(async () => {
  store = await startBestStore()
  receiver = await startReceiver()
})
afterAll(async () => {
  await receiver.close()
  await store.close()
})
beforeEach(async () => {
  await store.flush()
  receiver.calls.length = 0
  receiver.behave({ status: 204 })
  scene = createScene(store)
})
