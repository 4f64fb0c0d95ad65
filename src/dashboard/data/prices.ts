/** Commands that a call costs the store at most, about: docs/storage.md counts them. The first that matches. */
const PRICES: [RegExp, number][] = [
  [/^GET \/v1\/(self|health)/, 0],
  [/^GET \/v1\/pulse/, 2],
  [/^GET \/v1\/stats\/history/, 2],
  [/^GET \/v1\/stats/, 24],
  [/^GET \/v1\/providers/, 6],
  [/^GET \/v1\/requests\?/, 5],
  [/^GET \/v1\/requests\//, 3],
  [/^GET /, 3],
  [/./, 8],
]

export function priceOf(method: string, path: string): number {
  const call = `${method} ${path}`
  return PRICES.find(([pattern]) => pattern.test(call))?.[1] ?? 0
}
