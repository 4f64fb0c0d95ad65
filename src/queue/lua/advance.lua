-- Writes a batch if it is still as it was read.
-- KEYS  meta, chores, batch, batches of its kind and organization, the idempotency key of a new batch if there is one
-- ARGV  now, revision that was read (0: there was none), new text, when it ends (epoch ms), its chore if that is due now
--       (else ""), the field of `meta` that tells that it takes no more requests (else ""), id of a new batch ("": it is
--       known), id below which there are none any more, ms that the index lives without a new batch,
--       body hash of the idempotency key
-- Returns "written", also when the new text stands there already; "changed" when another has changed it; {"known", id}
--         of the batch that the idempotency key stands for; "mismatch": for one with another body.
-- Costs 3 commands; 8 to cancel one, 9 for a new one, 2 more with an idempotency key.
-- @include meta
local revision, text, ends_at, chore, closed, new_id, oldest_id, index_ms, body_hash = unpack(ARGV, 2)
local IDEMPOTENCY_SECONDS = 86400
if KEYS[5] then
  local hash, id = string.match(redis.call("GET", KEYS[5]) or "", "^1|(%x+)|0|0|(.*)$")
  if hash and hash ~= body_hash then return "mismatch" end
  if hash then return { "known", id } end
  redis.call("SET", KEYS[5], "1|" .. body_hash .. "|0|0|" .. new_id, "EX", IDEMPOTENCY_SECONDS)
end
local present = redis.call("GET", KEYS[3])
if present ~= text then
  local found = present and string.match(present, "^1|(%d+)|") or "0"
  if found ~= revision then return "changed" end
  redis.call("SET", KEYS[3], text, "PXAT", ends_at)
end
if chore ~= "" then
  meta_read({}, {})
  redis.call("ZADD", KEYS[2], "LT", now, chore)
  at_latest("chore", now)
  if closed ~= "" then meta_set(closed, "1") end
  meta_write()
end
if new_id ~= "" then
  redis.call("ZADD", KEYS[4], 0, new_id)
  redis.call("ZREMRANGEBYLEX", KEYS[4], "-", "(" .. oldest_id)
  redis.call("PEXPIRE", KEYS[4], index_ms)
end
return "written"
