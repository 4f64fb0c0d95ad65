import { entriesOf, type Page, type PageOptions } from "./pages.ts"
import { queryOf } from "./query.ts"
import type { Transport } from "./transport.ts"
import type { AuditEntry } from "./types.ts"

/** Who did what; needs a key with `admin`. */
export class AuditClient {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** All entries that are kept, newest first, page by page as they are asked for. */
  list(): AsyncGenerator<AuditEntry, void, void> {
    return entriesOf((options) => this.listPage(options))
  }

  /** One page of that. */
  async listPage(options: PageOptions = {}): Promise<Page<AuditEntry>> {
    const path = `/v1/audit${queryOf(options)}`
    return (await this.#transport({ method: "GET", path, repeat: "always" })).value as Page<AuditEntry>
  }
}
