import type { Principal } from "../../src/auth/principal.ts"
import type { TestStore } from "../helpers/store.ts"
import { type Call, composeServices, createCall, withPrincipals } from "./server.ts"

const reader: Principal = {
  ...{
    keyId: "k1",
    organizationId: "*",
    scopes: ["read", "enqueue"],
    maxPriority: null,
    ratePerMinute: null,
  },
}

/** Calls as a `reader` of everything, a `tenant` of org-1, or a `writer` who may read nothing. */
export function callAsReaders(store: TestStore, queueName: string): Call {
  const principals: Record<string, Principal> = {
    reader,
    tenant: { ...reader, organizationId: "org-1" },
    writer: { ...reader, scopes: ["enqueue"] },
  }
  return createCall(withPrincipals(composeServices(store, queueName), principals))
}
