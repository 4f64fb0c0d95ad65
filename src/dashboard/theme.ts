import { useEffect, useState } from "preact/hooks"

export type Theme = "system" | "light" | "dark"

const PLACE = "aiq-theme"
const THEMES: readonly string[] = ["system", "light", "dark"] satisfies Theme[]

/** What was chosen here before; kept for all tabs, since it is no secret. */
function readTheme(): Theme {
  const kept = localStorage.getItem(PLACE) ?? ""
  return THEMES.includes(kept) ? (kept as Theme) : "system"
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(readTheme)
  useEffect(() => {
    localStorage.setItem(PLACE, theme)
    if (theme === "system") delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
    dispatchEvent(new Event("themechange"))
  }, [theme])
  return [theme, setTheme]
}
