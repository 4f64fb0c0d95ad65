-- Removes finished requests from their indexes, and with "delete" for good: outcome, kept body and history.
-- KEYS  meta, finished index, audit, then per request: its recent index, outcome, body, attempts
-- ARGV  now, state, expiry day of the index, 1 to delete (0: it has expired by itself),
--       audit entry or "",
--       then per request: id, organization, when it ends by the index ("": whenever)
-- Returns how many were removed; one that has left the index meanwhile, or has been replayed and failed again, is left alone.
-- Costs 7 commands, and one per further recent index.
-- @include finish
-- @include audit
local state, day, delete = ARGV[2], tonumber(ARGV[3]), ARGV[4] == "1"
meta_read({}, flatten({ figures.fields(), { "kept:" .. state } }))
local count, members, removed = (#ARGV - 5) / 3, {}, 0
for i = 0, count - 1 do
  members[i + 1] = ARGV[6 + 3 * i] .. "|" .. ARGV[7 + 3 * i]
end
local ends = read_many("ZMSCORE", KEYS[2], members)
for i = 0, count - 1 do
  local id, key, expected = ARGV[6 + 3 * i], 4 + 4 * i, ARGV[8 + 3 * i]
  if ends[i + 1] and (expected == "" or tonumber(expected) == tonumber(ends[i + 1])) then
    add("ZREM", KEYS[2], members[i + 1])
    removed = removed + 1
    add("ZREM", KEYS[key], id)
    -- That may have been its last: the next enqueue gives the index its expiry again.
    meta_set("recent:" .. ARGV[7 + 3 * i], "")
    if delete then add("UNLINK", nil, KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]) end
  end
end
flush()
count_kept(state, day, redis.call("ZCARD", KEYS[2]) - (kept(state).counts[day] or 0))
meta_write()
if removed > 0 then write_audit(KEYS[3], ARGV[5]) end
return removed
