-- Writes what the texts of some attempts have grown by. At the same offset always comes the same text, so nothing is
-- doubled by a repetition, however late; and nothing is written for an attempt that is over.
-- KEYS  live, then the partial text per attempt
-- ARGV  per attempt: id, attempt, offset in bytes, seconds to keep it, text
-- Returns per attempt until when it is watched; "" when its lease is no longer held
-- Costs 2 commands, 1 more per attempt, and 1 more with its first text.
-- @include record
local ids, replies = {}, {}
for i = 1, #KEYS - 1 do
  ids[i] = ARGV[5 * i - 4]
end
for i, packed in ipairs(redis.call("HMGET", KEYS[1], unpack(ids))) do
  local attempt, offset, keep_seconds, text = unpack(ARGV, 5 * i - 3, 5 * i)
  local record = packed and decode(packed)
  if record and record.owner ~= "" and record.attempt == attempt then
    redis.call("SETRANGE", KEYS[i + 1], offset, text)
    if offset == "0" then redis.call("EXPIRE", KEYS[i + 1], keep_seconds) end
    replies[i] = record.watchedUntil
  else
    replies[i] = ""
  end
end
return replies
