import type { Transport } from "./transport.ts"
import type { ApiKey, IssuedKey, NewKey, Self } from "./types.ts"

/** API keys; all of it but `self` needs a key with `admin`. */
export class KeysClient {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Issues a key. It is told in this answer alone, so after a lost one it is not issued again: list, and revoke it. */
  async issue(key: NewKey): Promise<IssuedKey> {
    const body = JSON.stringify(key)
    const { value } = await this.#transport({ method: "POST", path: "/v1/keys", body, repeat: "refused" })
    return value as IssuedKey
  }

  /** What the key of this client may do. */
  async self(): Promise<Self> {
    const { value } = await this.#transport({ method: "GET", path: "/v1/self", repeat: "always" })
    return value as Self
  }

  /** Newest first, without the keys themselves. */
  async list(): Promise<ApiKey[]> {
    const { value } = await this.#transport({ method: "GET", path: "/v1/keys", repeat: "always" })
    return (value as { data: ApiKey[] }).data
  }

  /** Within 30 s the key stops working. Throws `not_found` for one that is unknown, or revoked already. */
  async revoke(keyId: string): Promise<void> {
    const path = `/v1/keys/${encodeURIComponent(keyId)}`
    await this.#transport({ method: "DELETE", path, repeat: "refused" })
  }
}
