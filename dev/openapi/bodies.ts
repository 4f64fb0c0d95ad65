import { CallbackBody } from "../../src/core/contracts/callback.ts"
import { KeyBody } from "../../src/core/contracts/keys.ts"
import { LimitsBody } from "../../src/core/contracts/limits.ts"
import { BulkBody, NewRequestBody } from "../../src/core/contracts/new-request.ts"
import {
  AuditQuery,
  CleanupBody,
  HistoryQuery,
  ListQuery,
  ReplayBody,
  StatusQuery,
  WeightBody,
} from "../../src/core/contracts/parameters.ts"
import { Filter, SweepBody } from "../../src/core/contracts/sweep.ts"
import { DeliveriesQuery, WebhookSecretBody, WebhookSecretsQuery } from "../../src/core/contracts/webhooks.ts"
import { described, named, readsEach } from "./components.ts"
import { ChatMessage } from "./requests-answers.ts"

// The schemas that the Worker reads bodies and queries by, with a name and words for people.

const ORGANIZATION = "The tenant. Default: the key's; required with a key for all organizations."
const LIMIT = "How many per page."
const CURSOR = "`nextCursor` of the page before."

export const NewRequest = named(
  "NewRequest",
  described(NewRequestBody, {
    provider: "`openai`, `anthropic`, `deepseek`, a custom one; `auto` with a route as model.",
    model: "As the provider calls it, or the name of a route.",
    fallbacks: "Where it may go instead, in this order, when its provider has trouble.",
    messages: "The chat, in OpenAI's format, whatever the provider.",
    priority: "Lower ones yield; waiting raises, so that nothing starves.",
    organizationId: ORGANIZATION,
    options:
      "Named as in OpenAI's chat completions, translated for each vendor; unknown ones pass through. Without `model`, `messages`, `system`, `stream`, `stream_options`, `n`.",
    providerOptions: "In the vendor's own names, merged last; without the same six.",
    timeoutMs: "Bounds one attempt. Default: `REQUEST_TIMEOUT_MS`.",
    maxRetries: "At most that many attempts more than one. Default: `MAX_RETRIES`.",
    delayMs: "To start no sooner than that; not beside `scheduledAt`.",
    scheduledAt: "To start no sooner, epoch ms, at most 30 days ahead; a past instant means now.",
    deadlineAt: "Never to start or retry after it, epoch ms.",
    resultTtlSeconds: "How long the answer is kept. Default: `RESULT_TTL_SECONDS`.",
    metadata: "At most 16 pairs, keys of at most 64 characters, values of at most 512.",
    callback: "Whom to tell when the request has ended.",
  }),
)
readsEach(NewRequestBody.shape.messages, ChatMessage)

described(CallbackBody._zod.def.in, {
  url: "Public and https.",
  events: "Which ends to tell of.",
  includeResponse: "Whether the whole answer is sent along.",
})

export const NewRequests = named("NewRequests", described(BulkBody, { requests: "All are stored, or none." }))
readsEach(BulkBody.shape.requests, NewRequest)

export const Replay = named(
  "Replay",
  described(ReplayBody, { deadlineAt: "A new deadline, epoch ms; absent: none." }),
)
export const Cleanup = named(
  "Cleanup",
  described(CleanupBody, {
    olderThanSeconds: "Removes also what finished longer ago than that, though its time is not over.",
  }),
)
export const NewWeight = named("NewWeight", described(WeightBody, { weight: "1 unless set." }))
export const NewKey = named(
  "NewKey",
  described(KeyBody, {
    name: "To know it by.",
    organizationId: "The tenant, or `*` for all of them.",
    scopes:
      "`enqueue`: post, bulk, replay, files; `read`: requests and statistics; `cancel`; `admin`, only with `*`.",
    expiresAt: "Epoch ms; null: never.",
    maxPriority: "Requests above it are refused.",
    ratePerMinute: "Calls a minute, over all isolates.",
  }),
)
export const NewLimits = named(
  "NewLimits",
  described(LimitsBody, {
    concurrency: "Calls in flight. Absent: stays; null: no limit.",
    rpm: "Calls a minute.",
    tpm: "Tokens a minute, input and output together.",
    models: "Of single models, beside the provider's; a model set to null has none of its own any more.",
  }),
)
export const NewSecret = named(
  "NewWebhookSecret",
  described(WebhookSecretBody, { organizationId: ORGANIZATION }),
)

const FILTER = {
  organizationId: "Only its requests.",
  provider: "Only those that asked for it; `auto` for routes.",
  model: "Only those that asked for it.",
  priority: "Only these.",
  errorCode: "Only those whose last attempt came to this.",
}
named(
  "RequestFilter",
  described(Filter, {
    ...FILTER,
    state:
      "Only these. `cancel` takes unfinished ones, by default all three; the others take `failed` alone.",
    createdAfter: "Only those of then or later, epoch ms.",
    createdBefore: "Only earlier ones, epoch ms.",
  }),
)
export const Sweep = named(
  "Sweep",
  described(SweepBody, {
    filter: "Which requests are meant. It may be empty only in a dry run, or with `all`.",
    dryRun: "Counts, and does nothing. `limit` does not bound it.",
    all: "An empty filter is meant; or one of a cancel that names neither state nor organization.",
    limit: "A call acts on no more.",
    cursor: CURSOR,
  }),
)

described(ListQuery, {
  ...FILTER,
  state: "Only these. A key for all organizations names this or `organizationId`.",
  limit: LIMIT,
  cursor: CURSOR,
})
described(StatusQuery, {
  include: "`messages`: with what was asked, while that is kept.",
  wait: "Seconds to wait for the end, where it is not there yet.",
})
described(AuditQuery, { limit: LIMIT, cursor: CURSOR })
described(HistoryQuery, {
  from: "Epoch ms. Default: an hour before `to`.",
  to: "Epoch ms. Default: now.",
  step: "Seconds.",
})
described(WebhookSecretsQuery, { organizationId: "Only its secrets." })
described(DeliveriesQuery, {
  organizationId: "Only its deliveries. A key for all organizations names this or `requestId`.",
  requestId: "Only of this request.",
  state: "Only these.",
  limit: LIMIT,
  cursor: CURSOR,
})
