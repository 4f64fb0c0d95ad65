import type { Delivery } from "../core/delivery.ts"
import { entriesOf, type Page, type PageOptions } from "./pages.ts"
import { queryOf } from "./query.ts"
import type { Transport } from "./transport.ts"
import type { DeliveryFilter } from "./types.ts"

/** What became of callbacks. */
export class DeliveriesClient {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** All that the filter holds for, newest first, page by page as they are asked for. */
  list(filter: DeliveryFilter = {}): AsyncGenerator<Delivery, void, void> {
    return entriesOf((options) => this.listPage({ ...filter, ...options }))
  }

  /** One page of that. */
  async listPage(options: DeliveryFilter & PageOptions = {}): Promise<Page<Delivery>> {
    const path = `/v1/deliveries${queryOf(options)}`
    return (await this.#transport({ method: "GET", path, repeat: "always" })).value as Page<Delivery>
  }

  /** Errors: `not_found`. */
  async get(deliveryId: string): Promise<Delivery> {
    const { value } = await this.#transport({ method: "GET", path: pathOf(deliveryId), repeat: "always" })
    return value as Delivery
  }

  /**
   * Tells it once more, under the same `webhook-id`. Errors: `conflict` when the outcome is no longer kept,
   * `not_found`. Not repeated after a lost answer, for the receiver would be told twice.
   */
  async redeliver(deliveryId: string): Promise<Delivery> {
    const path = `${pathOf(deliveryId)}/redeliver`
    return (await this.#transport({ method: "POST", path, repeat: "refused" })).value as Delivery
  }
}

function pathOf(deliveryId: string): string {
  return `/v1/deliveries/${encodeURIComponent(deliveryId)}`
}
