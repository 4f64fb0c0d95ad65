interface Props<Value extends string> {
  /** What is chosen, for who cannot see where it stands. */
  label: string
  values: readonly Value[]
  value: Value
  onChange: (value: Value) => void
}

/** One of a few. */
export function Switch<Value extends string>({ label, values, value, onChange }: Props<Value>) {
  return (
    <fieldset class="switch">
      <legend class="hidden">{label}</legend>
      {values.map((each) => (
        <button key={each} type="button" aria-pressed={each === value} onClick={() => onChange(each)}>
          {each}
        </button>
      ))}
    </fieldset>
  )
}
