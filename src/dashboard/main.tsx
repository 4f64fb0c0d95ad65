import { render } from "preact"
import { App } from "./app.tsx"
import "./styles/base.css"
import "./styles/layout.css"
import "./styles/parts.css"
import "./styles/pages.css"

const place = document.getElementById("app")
if (place !== null) render(<App />, place)
