-- Settles what a drain has done and claims what it does next, in one go: one script costs less than two.
-- KEYS  as for settle
-- ARGV  now, lines, configured providers, their limits as set, retry penalty ms, fair share ms,
--       those of the claim (include/claiming.lua), then those of the settlements (include/settling.lua)
-- Returns {"turned", what claim returns, the replies of settle} or {"lines", registered lines}
-- Costs 3 commands less than settle and claim.
-- @include claiming
-- @include settling
local first_key = read_lines(6, ARGV[2])
CHORES = KEYS[5]
local fields = {
  claim_fields(), provider_fields(words(ARGV[3]), ARGV[4]), share_fields(LINES, tonumber(ARGV[6])),
  settling_fields(7 + CLAIM_ARGUMENTS),
}
if not meta_read(LINES, flatten(fields)) then return { "lines", meta.lines } end
local replies = settle_all(first_key, 7 + CLAIM_ARGUMENTS, tonumber(ARGV[5]))
local claimed = claim(7, tonumber(ARGV[5]))
meta_write()
return { "turned", claimed, replies }
