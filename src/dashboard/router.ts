import { useEffect, useState } from "preact/hooks"

/**
 * Where the page is: `#/requests/req_1?state=failed` → `["requests", "req_1"]` and the query. In the fragment, since that
 * is never sent: what an operator filters by stands in no server's log.
 */
export interface Route {
  path: string[]
  query: URLSearchParams
}

function readRoute(hash = location.hash): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2)
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) }
}

/** What a link to it says. Members that are empty stand for nothing and are left out. */
export function linkTo(path: string[], query: Record<string, string | null | undefined> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]))
  const text = new URLSearchParams(given).toString()
  return `#/${path.map(encodeURIComponent).join("/")}${text && `?${text}`}`
}

/** `replace`: the way back does not stop here, as for each letter of a filter. */
export function go(link: string, how: "push" | "replace" = "push"): void {
  if (how === "push") location.hash = link
  else {
    history.replaceState(null, "", link)
    dispatchEvent(new HashChangeEvent("hashchange"))
  }
}

/** The route, and again whenever it changes. */
export function useRoute(): Route {
  const [route, setRoute] = useState(readRoute)
  useEffect(() => {
    const change = () => setRoute(readRoute())
    addEventListener("hashchange", change)
    return () => removeEventListener("hashchange", change)
  }, [])
  return route
}

/** A link that a person cut short is no reason to fail. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
