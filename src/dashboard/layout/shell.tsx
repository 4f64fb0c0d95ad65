import { useEffect, useRef } from "preact/hooks"
import { PAGES } from "../pages/pages.ts"
import { linkTo, useRoute } from "../router.ts"
import { useSession } from "../session.ts"
import { Header } from "./header.tsx"
import { Sentence } from "./sentence.tsx"
import { Spent } from "./spent.tsx"

/** What every page stands in. */
export function Shell({ onSignOut }: { onSignOut: () => void }) {
  const { self } = useSession()
  const { path } = useRoute()
  const allowed = PAGES.filter(({ isFor }) => isFor(self))
  const page = allowed.find(({ name }) => name === (path[0] ?? allowed[0]?.name))
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  const name = page?.name ?? ""

  // Who goes on by the keyboard, or listens, goes on with the new page.
  useEffect(() => {
    document.title = `${page?.title ?? "Not found"} · AI request queue`
    if (!isFirst.current) main.current?.focus()
    isFirst.current = false
  }, [name])

  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <Header pages={allowed} current={name} onSignOut={onSignOut} />
      <Sentence />
      <main id="main" ref={main} tabIndex={-1}>
        <h1>{page?.title ?? "Not found"}</h1>
        {page === undefined ? (
          <p>
            There is no such page, or not for this key. <a href={linkTo(["overview"])}>To the overview</a>
          </p>
        ) : (
          <page.Content />
        )}
      </main>
      <Spent />
    </>
  )
}
