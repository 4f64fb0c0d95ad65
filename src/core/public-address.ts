// Which hosts a webhook may go to: those that anyone on the internet can reach, and nobody's inner network.

/** Of the IANA registries of special-purpose addresses: first address and length of the prefix. */
const SPECIAL_IPV4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
]

/** Names that only mean something inside a network, and their subdomains. */
const INNER_NAMES =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa|test|invalid|example|onion)$/

/**
 * `hostname` as `URL` gives it, which writes decimal, octal and hexadecimal IPv4 addresses out and brackets IPv6 ones. A name
 * may still lead to a private address: that only its resolution can tell.
 */
export function isPublicHost(hostname: string): boolean {
  const name = hostname.replace(/\.+$/, "")
  if (name.startsWith("[") || isIpv4(name)) return isPublicAddress(name.replace(/^\[|\]$/g, ""))
  return name.includes(".") && !INNER_NAMES.test(name)
}

/** An IPv4 address in dotted decimals, or an IPv6 address. What is neither is not public. */
export function isPublicAddress(address: string): boolean {
  if (isIpv4(address)) {
    const number = toNumber(address)
    return !SPECIAL_IPV4.some(([first, length]) => isWithin(number, toNumber(first), 32 - length))
  }
  const [first, second] = firstGroups(address)
  // Global unicast is 2000::/3 alone: loopback, mapped, translated, local and multicast addresses lie elsewhere.
  if (first === undefined || second === undefined || first >> 13 !== 1) return false
  const isProtocolAssignment = first === 0x2001 && second < 0x200
  const isDocumentation = (first === 0x2001 && second === 0xdb8) || (first === 0x3fff && second < 0x1000)
  const is6to4 = first === 0x2002
  return !isProtocolAssignment && !isDocumentation && !is6to4
}

export function isIpv4(text: string): boolean {
  return /^(?:\d{1,3}\.){3}\d{1,3}$/.test(text)
}

function toNumber(address: string): number {
  return address.split(".").reduce((number, part) => number * 256 + Number(part), 0)
}

function isWithin(number: number, first: number, bits: number): boolean {
  return Math.floor(number / 2 ** bits) === Math.floor(first / 2 ** bits)
}

/** The first two groups of an IPv6 address; none when it is not one. */
function firstGroups(address: string): number[] {
  let written: string
  try {
    written = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  } catch {
    return []
  }
  const [head = ""] = written.split("::")
  const groups = head.split(":").map((group) => Number.parseInt(group || "0", 16))
  return [...groups, 0, 0].slice(0, 2)
}
