import type { Settlement, TargetReport } from "../queue/contract.ts"

/**
 * Keeps calls from providers that have refused the account, or asked to be left alone, until the
 * queue knows it too and hands out none of their requests any more. So such trouble costs the
 * calls that were under way, and no other.
 */
export class Gate {
  readonly #reports = new Set<TargetReport>()

  /** The provider that the settlement tells such trouble of. */
  close({ report }: Settlement): string | null {
    if (report === null || (report.health !== "account" && report.blockedUntil === null)) return null
    this.#reports.add(report)
    return report.provider
  }

  /** The queue knows of these. */
  open(settlements: Settlement[]): void {
    for (const { report } of settlements) if (report !== null) this.#reports.delete(report)
  }

  isClosed(provider: string): boolean {
    return [...this.#reports].some((report) => report.provider === provider)
  }
}
