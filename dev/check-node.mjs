const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
if (major < 22 || (major === 22 && minor < 12)) {
  console.error(
    `This project needs Node 22.12 or newer; this is ${process.versions.node}. Install a newer Node, or run "npm ci" without --omit=optional: on Linux it brings a runtime of its own.`,
  )
  process.exit(1)
}
