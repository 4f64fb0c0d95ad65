-- How requests ended and what they were: the first three lines of their outcomes, without what they came to.
-- KEYS  outcome per request
-- Returns a text per request, "" when there is no outcome.
-- Costs 2 commands.
local texts = {}
for i, text in ipairs(redis.call("MGET", unpack(KEYS))) do
  texts[i] = text and string.match(text, "^[^\n]*\n[^\n]*\n[^\n]*") or ""
end
return texts
