import type { Page } from "../pages/pages.ts"
import { linkTo } from "../router.ts"
import { isAdmin, seesAll, useSession } from "../session.ts"
import { type Theme, useTheme } from "../theme.ts"

interface Props {
  pages: Page[]
  current: string
  onSignOut: () => void
}

export function Header({ pages, current, onSignOut }: Props) {
  const { self } = useSession()
  const [theme, setTheme] = useTheme()
  return (
    <header class="top">
      <a class="brand" href={linkTo(["overview"])}>
        AI request queue
      </a>
      <nav aria-label="Pages">
        {pages.map(({ name, title }) => (
          <a key={name} href={linkTo([name])} aria-current={name === current ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <div class="who">
        <span class="muted" title={self.keyId}>
          {isAdmin(self) ? "Admin" : seesAll(self) ? "Operator" : self.organizationId}
        </span>
        <label class="hidden" for="theme">
          Colours
        </label>
        <select id="theme" value={theme} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
          <option value="system">System</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
        <button type="button" onClick={onSignOut}>
          Sign out
        </button>
      </div>
    </header>
  )
}
