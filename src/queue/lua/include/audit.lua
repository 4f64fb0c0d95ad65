-- Notes in the audit what has just been done; an empty entry notes nothing.
local AUDIT_ENTRIES = 10000

local function write_audit(key, entry)
  if entry ~= "" then redis.call("XADD", key, "MAXLEN", "~", AUDIT_ENTRIES, "*", "entry", entry) end
end
