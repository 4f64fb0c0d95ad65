/** What people may see of a receiver: a query often holds a token. */
export function showUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
