import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isPublicAddress, isPublicHost } from "../../src/core/public-address.ts"

/** As a URL reads a host, whatever way it is written. */
const hostOf = (text: string) => new URL(`https://${text}/`).hostname
const dotted = (address: number) => [24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join(".")
const number = (address: string) =>
  address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) >>> 0

/** Ranges that the IANA registry of special-purpose IPv4 addresses keeps from the internet. */
const INNER = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  ...["224.0.0.0/4", "240.0.0.0/4"],
]
const innerAddress = fc.constantFrom(...INNER).chain((range) => {
  const [first = "", length = ""] = range.split("/")
  const size = 2 ** (32 - Number(length))
  return fc.integer({ min: 0, max: size - 1 }).map((offset) => number(first) + offset)
})

/** The ways in which browsers and C libraries take an IPv4 address. */
const writings: ((address: number) => string)[] = [
  dotted,
  (address) => String(address),
  (address) => `0x${address.toString(16)}`,
  (address) => `0${address.toString(8)}`,
  (address) => `${dotted(address)}.`,
  (address) =>
    dotted(address)
      .split(".")
      .map((part) => `0x${Number(part).toString(16)}`)
      .join("."),
  (address) =>
    dotted(address)
      .split(".")
      .map((part) => `0${Number(part).toString(8)}`)
      .join("."),
  (address) => `${address >>> 24}.${address & 0xffffff}`,
  (address) => dotted(address).replaceAll(".", "%2e"),
  (address) => dotted(address).replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  (address) => `[::ffff:${dotted(address)}]`,
  (address) => `[::${dotted(address)}]`,
  (address) => `[64:ff9b::${dotted(address)}]`,
  (address) => `[2002:${(address >>> 16).toString(16)}:${(address & 0xffff).toString(16)}::1]`,
]

describe("a host that is not public", () => {
  it("is found out in every writing of an inner IPv4 address", () => {
    fc.assert(
      fc.property(innerAddress, fc.constantFrom(...writings), (address, write) => {
        expect(isPublicHost(hostOf(write(address)))).toBe(false)
      }),
      { numRuns: 2000 },
    )
  })

  it("is any IPv6 address outside of global unicast", () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((each) => each.toString(16))
    const first = fc.integer({ min: 0, max: 0xffff }).filter((each) => each >> 13 !== 1)
    fc.assert(
      fc.property(first, fc.array(group, { minLength: 7, maxLength: 7 }), (head, rest) => {
        expect(isPublicHost(hostOf(`[${[head.toString(16), ...rest].join(":")}]`))).toBe(false)
      }),
    )
  })

  it.each([
    ...[
      "localhost",
      "LOCALHOST",
      "localhost.",
      "localhost..",
      "api.localhost",
      "printer.local",
      "metadata.google.internal",
    ],
    ...["intranet", "redis", "vault.corp", "router.home.arpa", "nas.lan", "[::1]", "[::]", "[fe80::1]"],
    ...["[fd00::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[2001::1]", "[3fff::1]", "169.254.169.254"],
  ])("%s", (host) => {
    expect(isPublicHost(hostOf(host))).toBe(false)
  })

  it("with a zone is not even a URL", () => {
    expect(URL.canParse("https://[fe80::1%25eth0]/")).toBe(false)
    expect(isPublicAddress("fe80::1%eth0")).toBe(false)
  })
})

describe("a public host", () => {
  it.each([
    ...[
      "example.com",
      "hooks.slack.com.",
      "xn--bcher-kva.example.org",
      "8.8.8.8",
      "172.32.0.1",
      "100.128.0.1",
    ],
    ...["11.0.0.0", "192.169.0.1", "[2606:4700::1111]", "[2a00:1450:4001::200e]", "localhost.example.com"],
  ])("%s", (host) => {
    expect(isPublicHost(hostOf(host))).toBe(true)
  })

  it("is every IPv4 address outside of those ranges", () => {
    const isInner = (address: number) =>
      [...INNER, "192.88.99.0/24"].some((range) => {
        const [first = "", length = ""] = range.split("/")
        const size = 2 ** (32 - Number(length))
        return Math.floor(address / size) === Math.floor(number(first) / size)
      })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (address) => {
        expect(isPublicAddress(dotted(address))).toBe(!isInner(address))
      }),
      { numRuns: 2000 },
    )
  })
})

describe("what is no address", () => {
  it.each(["", "example.com", "1.2.3", "1.2.3.4.5", "::g", "a]b"])("%j is not public", (text) => {
    expect(isPublicAddress(text)).toBe(false)
  })
})
