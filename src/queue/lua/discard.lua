-- Removes finished requests from their indexes, and with "delete" for good: outcome, kept body and history.
-- KEYS  meta, finished index, audit, then per request: its recent index, outcome, body, attempts
-- ARGV  now, state, expiry day of the index, 1 to delete (0: it has expired by itself),
--       audit entry or "",
--       then per request: id, organization
-- Returns how many were removed; one that has left the index meanwhile (replayed) is left alone.
-- Costs 4 commands, one per request, and one per recent index.
-- @include finish
-- @include audit
local state, day, delete = ARGV[2], tonumber(ARGV[3]), ARGV[4] == "1"
meta_read({}, { "kept:" .. state })
local removed = 0
for i = 0, (#ARGV - 5) / 2 - 1 do
  local id, key = ARGV[6 + 2 * i], 4 + 4 * i
  if redis.call("ZREM", KEYS[2], id .. "|" .. ARGV[7 + 2 * i]) == 1 then
    removed = removed + 1
    add("ZREM", KEYS[key], id)
    -- That may have been its last: the next enqueue gives the index its expiry again.
    meta_set("recent:" .. ARGV[7 + 2 * i], "")
    if delete then add("UNLINK", nil, KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]) end
  end
end
flush()
count_kept(state, day, redis.call("ZCARD", KEYS[2]) - (kept(state).counts[day] or 0))
meta_write()
if removed > 0 then write_audit(KEYS[3], ARGV[5]) end
return removed
