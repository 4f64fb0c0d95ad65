/** So often a stream sends something, for what lies between closes connections that seem dead; many do after 30 or 60 s. */
export const KEEP_ALIVE_MS = 15_000

/** Its value; null: it takes longer. */
export async function within<Value>(promise: Promise<Value>, ms: number): Promise<Value | null> {
  let timer: ReturnType<typeof setTimeout> | null = null
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    if (timer !== null) clearTimeout(timer)
  }
}
