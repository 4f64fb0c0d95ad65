import type { ComponentChildren } from "preact"
import { useEffect, useId, useRef } from "preact/hooks"

interface Props {
  label: string
  name: string
  hint?: string
  /** What is wrong with what it held. */
  problem?: string | undefined
}

interface Attributes {
  id: string
  name: string
  "aria-invalid": boolean
  "aria-describedby": string | undefined
}

function Field({
  label,
  name,
  hint,
  problem,
  children,
}: Props & { children: (of: Attributes) => ComponentChildren }) {
  const id = useId()
  const about = problem ?? hint
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        ...{ id, name, "aria-invalid": problem !== undefined },
        "aria-describedby": about && `${id}-about`,
      })}
      {about && (
        <span id={`${id}-about`} class={problem === undefined ? "muted" : "problem"}>
          {about}
        </span>
      )}
    </div>
  )
}

interface InputProps extends Props {
  type?: "text" | "number" | "datetime-local"
  required?: boolean
  placeholder?: string
  defaultValue?: string | number
  /** When it is left, or Enter is pressed; what it sets comes back as `defaultValue`, also by other ways. */
  onChange?: (value: string) => void
}

export function TextField({ label, name, hint, problem, type = "text", onChange, ...rest }: InputProps) {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (onChange !== undefined && input.current !== null) input.current.value = `${rest.defaultValue ?? ""}`
  }, [rest.defaultValue])
  return (
    <Field {...{ label, name, problem, ...(hint !== undefined && { hint }) }}>
      {(of) => (
        <input
          {...of}
          ref={input}
          type={type as "text"}
          {...rest}
          onChange={(event) => onChange?.(event.currentTarget.value.trim())}
          autocomplete="off"
          spellcheck={false}
        />
      )}
    </Field>
  )
}

interface SelectProps extends Props {
  /** Values and what they are called. */
  options: [string, string][]
  /** Of one that only changes with what it sets; absent: its own. */
  value?: string
  onChange?: (value: string) => void
}

export function SelectField({ label, name, hint, problem, options, value: current, onChange }: SelectProps) {
  return (
    <Field {...{ label, name, problem, ...(hint !== undefined && { hint }) }}>
      {(of) => (
        <select {...of} onChange={(event) => onChange?.(event.currentTarget.value)}>
          {options.map(([value, title]) => (
            <option key={value} value={value} selected={value === current}>
              {title}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}
