import { expect, test } from "vitest"
import { Hand } from "../../src/drain/hand.ts"
import { claimedRequest } from "./claimed.ts"

const ID = "req_0000000000000000000000a"

test("who is watched may be told before the claim has come, or after", () => {
  const hand = new Hand()
  hand.watch(new Map([[ID, 5000]]))
  expect(hand.take(claimedRequest(), 0).watchedUntil).toBe(5000)
  const later = hand.take(claimedRequest({ requestId: "req_0000000000000000000000b" }), 0)
  expect(later.watchedUntil).toBe(0)
  hand.watch(new Map([["req_0000000000000000000000b", 6000]]))
  expect(later.watchedUntil).toBe(6000)
})

test("what was told early counts once, and the claim's own word when it says more", () => {
  const hand = new Hand()
  hand.watch(new Map([[ID, 5000]]))
  const first = hand.take(claimedRequest({}, { watchedUntil: 9000 }), 0)
  expect(first.watchedUntil).toBe(9000)
  hand.drop(first)
  expect(hand.take(claimedRequest(), 0).watchedUntil).toBe(0)
})

test("of what never comes it remembers a thousand", () => {
  const hand = new Hand()
  for (let i = 0; i <= 1000; i++) hand.watch(new Map([[`req_${i}`, 5000]]))
  expect(hand.take(claimedRequest({ requestId: "req_0" }), 0).watchedUntil).toBe(0)
  expect(hand.take(claimedRequest({ requestId: "req_1" }), 0).watchedUntil).toBe(5000)
})
