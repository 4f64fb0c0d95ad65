/** Once the page is drawn: when what had the focus is gone, the content has it, so that who uses keys does not begin anew. */
export function keepFocus(): void {
  setTimeout(() => {
    if (document.activeElement === null || document.activeElement === document.body) focusContent()
  })
}

export function focusContent(): void {
  document.getElementById("main")?.focus()
}

/** For who cannot see what a click has changed. */
export function say(text: string): void {
  const place = document.getElementById("said")
  if (place !== null) place.textContent = text
}
