/** `?name=value&…` of what is given; empty when nothing is. */
export function queryOf(options: object): string {
  const given = Object.entries(options).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  )
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`
}
