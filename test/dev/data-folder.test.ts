import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { takeDataFolder } from "../../dev/data-folder.ts"
import { spawnGuarded } from "../../dev/spawn-guarded.ts"

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "aiq-data-"))
})
afterEach(() => rmSync(root, { recursive: true }))

it("gives the usual folder, then one for the port, then none", async () => {
  const first = await takeDataFolder(root, 1)
  expect(first).toMatchObject({ path: join(root, ".data", "store"), note: null })
  const second = await takeDataFolder(root, 2)
  expect(second).toMatchObject({
    path: join(root, ".data", "store-2"),
    note: expect.stringContaining("in use"),
  })
  await expect(takeDataFolder(root, 2)).rejects.toThrow(/store-2 is in use by another stack/)

  first.release()
  const again = await takeDataFolder(root, 3)
  expect(again.path).toBe(first.path)
  again.release()
  second.release()
})

it("is free again as soon as its user was killed", async () => {
  const folderModule = new URL("../../dev/data-folder.ts", import.meta.url).href
  const code = `
    const { takeDataFolder } = await import(${JSON.stringify(folderModule)})
    console.log((await takeDataFolder(${JSON.stringify(root)}, 1)).path)
    setInterval(() => {}, 1000)`
  const flags = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning", "--input-type=module"]
  const user = await spawnGuarded(process.execPath, [...flags, "-e", code])
  await new Promise((resolve) => user.stdout?.once("data", resolve))
  const beside = await takeDataFolder(root, 2)
  expect(beside.note).not.toBeNull()
  process.kill(user.pid, "SIGKILL")
  await user.exited
  const after = await takeDataFolder(root, 3)
  expect(after.note).toBeNull()
  beside.release()
  after.release()
})
