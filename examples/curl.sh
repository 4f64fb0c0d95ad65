#!/bin/sh
# The tour of the README, against the stack of `npm start`: sh examples/curl.sh (AIQ_URL, AIQ_KEY: another one)
set -eu

API=${AIQ_URL:-http://127.0.0.1:8787}
KEY=${AIQ_KEY:-$(sed -n 's/^ADMIN_API_KEY=//p' .dev.vars | tr -d "\"'")}
AUTH="Authorization: Bearer $KEY"
JSON="Content-Type: application/json"
id_of() { sed 's/.*"requestId":"\([^"]*\)".*/\1/'; }

# Enqueue: 202, with the place in line. Repeated under the same Idempotency-Key it is stored once.
ID=$(curl -sS --fail-with-body "$API/v1/requests" -H "$AUTH" -H "$JSON" -H "Idempotency-Key: tour-$$" -d '{
  "provider": "deepseek", "model": "deepseek-flash", "organizationId": "org-123", "priority": "high",
  "messages": [{ "role": "user", "content": "ESG compliance analysis" }],
  "options": { "temperature": 0.2, "max_tokens": 500 }
}' | id_of)
echo "enqueued $ID"

# Read, until it has ended: state, position, every attempt, the answer in OpenAI's shape whoever gave it, tokens.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  REQUEST=$(curl -sS --fail-with-body "$API/v1/requests/$ID" -H "$AUTH")
  case $REQUEST in *'"state":"completed"'* | *'"state":"failed"'*) break ;; esac
  sleep 1
done
echo "$REQUEST"

# Many at once, 1 to 1,000: all or none.
curl -sS --fail-with-body "$API/v1/requests/bulk" -H "$AUTH" -H "$JSON" -d '{ "requests": [
  { "provider": "openai", "model": "gpt-5-mini", "organizationId": "org-123",
    "messages": [{ "role": "user", "content": "One" }] },
  { "provider": "anthropic", "model": "claude-haiku-4-5", "organizationId": "org-123",
    "messages": [{ "role": "user", "content": "Two" }], "delayMs": 600000 }
]}'
echo

# The second one is not due for ten minutes: cancel it.
LATER=$(curl -sS --fail-with-body "$API/v1/requests?organizationId=org-123&state=scheduled&limit=1" -H "$AUTH" | id_of)
curl -sS --fail-with-body -X DELETE "$API/v1/requests/$LATER" -H "$AUTH"
echo

# What is going on.
curl -sS --fail-with-body "$API/v1/stats" -H "$AUTH"
echo
curl -sS --fail-with-body "$API/v1/health"
echo
