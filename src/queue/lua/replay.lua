-- Puts a dead letter back in line. Attempt numbers and history go on; retries and age start anew.
-- KEYS  meta, live, scheduled, deadlines, (line, leases) per line,
--       metadata, body, outcome, attempts, finished index, recent index, audit
-- ARGV  now, lines, id, header of the outcome as it was read, expiry day of the index, record, metadata ("": none),
--       EXPIREAT of the recent index, audit entry or "", fair share ms
-- Returns {"replayed", position}, {"changed"}, {"no_body"} or {"lines", registered lines}
-- Costs 13 commands.
-- @include finish
-- @include entry
-- @include audit
local first = read_lines(5, ARGV[2])
local metadata, body, outcome, attempts = KEYS[first], KEYS[first + 1], KEYS[first + 2], KEYS[first + 3]
local id, expected, day, packed = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local record = decode(packed)
local fields = {
  figures.fields(), { "kept:failed" }, organization_fields({ record.organization }),
  share_fields(LINES, tonumber(ARGV[10])),
}
if not meta_read(LINES, flatten(fields)) then return { "lines", meta.lines } end
if redis.call("GETRANGE", outcome, 0, #expected - 1) ~= expected then return { "changed" } end
if redis.call("PERSIST", body) == 0 then return { "no_body" } end

redis.call("PERSIST", attempts)
if ARGV[7] ~= "" then redis.call("SET", metadata, ARGV[7]) end
redis.call("UNLINK", outcome)
redis.call("ZREM", KEYS[first + 4], id .. "|" .. record.organization)
redis.call("EXPIREAT", KEYS[first + 5], ARGV[8])
count_kept("failed", day, -1)
enter_line(id, record, 0)
add("HSET", KEYS[2], id, encode(record))
watch_deadline(id, record)
flush()
count_live(record.organization, 1)
meta_write()
write_audit(KEYS[first + 6], ARGV[9])
return { "replayed", redis.call("ZRANK", LINE[record.line], id) + 1 }
