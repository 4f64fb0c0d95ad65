import type { Transport } from "./transport.ts"
import type { AlertsChange, AlertsView } from "./types.ts"

/** Alerts: what has rung, by which rules, and who is told. Needs a key for all organizations. */
export class AlertsClient {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** What is firing, what has recovered lately, the notices that were sent of both, and the rules in force. */
  async read(): Promise<AlertsView> {
    const { value } = await this.#transport({ method: "GET", path: "/v1/alerts", repeat: "always" })
    return value as AlertsView
  }

  /**
   * Changes rules, URL or reminders until they are changed again: what is named replaces what the setting `ALERTS` says,
   * null returns to that. Needs `admin`. Errors: `conflict` where `ALERTS` is not set, so that nobody would look.
   */
  async change(change: AlertsChange): Promise<AlertsView> {
    const body = JSON.stringify(change)
    const { value } = await this.#transport({ method: "PATCH", path: "/v1/alerts", body, repeat: "always" })
    return value as AlertsView
  }

  /** Sends a notice of the type `alert.test`: `read` tells what became of it. Needs `admin`. Errors: `conflict` without a URL. */
  async test(): Promise<{ noticeId: string }> {
    const { value } = await this.#transport({ method: "POST", path: "/v1/alerts/test", repeat: "refused" })
    return value as { noticeId: string }
  }
}
