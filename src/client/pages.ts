/** One page of a list. */
export interface Page<Entry> {
  /** Newest first. A filtered page may be short and yet not the last. */
  data: Entry[]
  /** null: this is the last page. */
  nextCursor: string | null
}

/** What a page is asked for with: `limit` is 1 to 100, default 20; `cursor` is the `nextCursor` of the page before. */
export interface PageOptions {
  limit?: number
  cursor?: string
}

const LARGEST_PAGE = 100

/** All entries, page by page as they are asked for. */
export async function* entriesOf<Entry>(
  read: (options: PageOptions) => Promise<Page<Entry>>,
): AsyncGenerator<Entry, void, void> {
  let cursor: string | null = null
  do {
    const page: Page<Entry> = await read({ limit: LARGEST_PAGE, ...(cursor && { cursor }) })
    yield* page.data
    cursor = page.nextCursor
  } while (cursor !== null)
}
