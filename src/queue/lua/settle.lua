-- Records what attempts came to. docs/states.md holds the table that this follows.
-- KEYS  meta, live, scheduled, deadlines, chores, (line, leases) per line, finished index keys,
--       then per settlement: metadata, body, outcome, attempts
-- ARGV  now, lines, configured providers, their limits as set, retry penalty ms, fair share ms,
--       then those of the settlements: see include/settling.lua
-- Returns {"settled", {"settled" | "noted" | "gone" | "again:<finished index>", …}} in order, or {"lines", registered lines}.
-- Costs per group of completed 10 commands, and one per request.
-- @include settling
local first_key = read_lines(6, ARGV[2])
CHORES = KEYS[5]
local fields = {
  provider_fields(words(ARGV[3]), ARGV[4]), share_fields(LINES, tonumber(ARGV[6])), settling_fields(7),
}
if not meta_read(LINES, flatten(fields)) then return { "lines", meta.lines } end
local replies = settle_all(first_key, 7, tonumber(ARGV[5]))
meta_write()
return { "settled", replies }
