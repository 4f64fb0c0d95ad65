-- Notes something in the audit, once: a repetition is the same entry, to the millisecond.
-- KEYS  audit
-- ARGV  entry
-- Costs 3 commands.
-- @include audit
for _, known in ipairs(redis.call("XREVRANGE", KEYS[1], "+", "-", "COUNT", 20)) do
  if known[2][2] == ARGV[1] then return 0 end
end
write_audit(KEYS[1], ARGV[1])
return 1
