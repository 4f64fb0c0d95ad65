import { expectTypeOf, it } from "vitest"
import type {
  AuditEntry,
  EnqueuedRequest,
  LaneState,
  ProviderDetails,
  ProviderState,
  QueueHealth,
  QueueStats,
  StatusReply,
  TenantStats,
} from "../../src/client/client.ts"
import type { EnqueuedRequest as Answered } from "../../src/http/enqueue.ts"
import type { TenantStats as TenantsAnswer } from "../../src/http/stats.ts"
import type * as access from "../../src/queue/access-contract.ts"
import type * as contract from "../../src/queue/contract.ts"
import type * as figures from "../../src/queue/figures-contract.ts"

// The client may not import the queue's types, and must not drift from them.
it("the client's types are what the API answers", () => {
  expectTypeOf<QueueStats>().toEqualTypeOf<figures.QueueStats>()
  expectTypeOf<TenantStats>().toEqualTypeOf<TenantsAnswer>()
  expectTypeOf<LaneState>().toEqualTypeOf<figures.QueueStats["lanes"][number]>()
  expectTypeOf<ProviderState>().toEqualTypeOf<figures.ProviderState>()
  expectTypeOf<Omit<ProviderDetails, "wireFormat" | "simulated">>().toEqualTypeOf<figures.ProviderDetails>()
  expectTypeOf<Omit<Required<QueueHealth>, "version">>().toEqualTypeOf<figures.QueueHealth>()
  expectTypeOf<AuditEntry>().toEqualTypeOf<
    Awaited<ReturnType<access.AccessStore["listAudit"]>>["data"][number]
  >()
  expectTypeOf<StatusReply>().toEqualTypeOf<contract.StatusReply>()
  expectTypeOf<EnqueuedRequest>().toExtend<Answered>()
  expectTypeOf<Answered>().toExtend<EnqueuedRequest>()
})
