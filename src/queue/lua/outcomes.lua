-- What has become of requests, in their order, as far as so many bytes reach; of one at least.
-- KEYS  live, outcome per request
-- ARGV  bytes, id per request
-- Returns a text per request: its outcome, "live", or "" when nothing is known of it.
-- Costs 2 commands, one for each further slice, and one when there are any without an outcome.
local FIRST_SLICE, LARGEST_SLICE = 16, 500
local most = tonumber(ARGV[1])
local texts, bytes, slice, first = {}, 0, FIRST_SLICE, 2
local missing, ids = {}, {}
local is_full = false
while first <= #KEYS and not is_full do
  local keys = { unpack(KEYS, first, math.min(first + slice - 1, #KEYS)) }
  for i, text in ipairs(redis.call("MGET", unpack(keys))) do
    local size = text and #text or 0
    is_full = is_full or (bytes > 0 and bytes + size > most)
    if not is_full then
      texts[#texts + 1], bytes = text or "", bytes + size
      if not text then missing[#missing + 1], ids[#ids + 1] = #texts, ARGV[first + i - 1] end
    end
  end
  first = first + #keys
  -- As many as will fit, if they are as long as those before them.
  slice = math.max(1, math.min(LARGEST_SLICE, math.floor((most - bytes) * #texts / math.max(bytes, 1))))
end
if #ids > 0 then
  for i, record in ipairs(redis.call("HMGET", KEYS[1], unpack(ids))) do
    if record then texts[missing[i]] = "live" end
  end
end
return texts
