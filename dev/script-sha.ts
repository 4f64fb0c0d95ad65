import { createHash } from "node:crypto"
import { scripts } from "../src/queue/scripts.generated.ts"

/** What Redis calls a script of the queue. */
export function scriptSha(name: keyof typeof scripts): string {
  return createHash("sha1").update(scripts[name]).digest("hex")
}
