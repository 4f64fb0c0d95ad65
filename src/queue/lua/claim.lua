-- Takes the next requests of all lines, best score first, under a lease.
-- KEYS  meta, live, scheduled, deadlines, (line, leases) per line
-- ARGV  now, lines, configured providers, their limits as set, retry penalty ms, fair share ms,
--       then those of the claim: see include/claiming.lua
-- Returns {"claimed", {wake at, remaining, maintenance due (1/0), {id, record, lease expiry, …},
--          {overdue id, attempt, reason, organization, trace, …}, chores due (1/0), roll due (1/0)}}
--         or {"lines", registered lines}.
--         The same op again returns the same requests, an earlier one nothing: a lost reply leases nothing to nobody.
-- Costs 3 commands when there is nothing, 8 for a batch from one line.
-- @include claiming
read_lines(5, ARGV[2])
local fields = { claim_fields(), provider_fields(words(ARGV[3]), ARGV[4]), share_fields(LINES, tonumber(ARGV[6])) }
if not meta_read(LINES, flatten(fields)) then return { "lines", meta.lines } end
local claimed = claim(7, tonumber(ARGV[5]))
meta_write()
return { "claimed", claimed }
