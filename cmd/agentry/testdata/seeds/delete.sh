# Delete an ended agent
curl -X DELETE "https://api.kakiyo.com/v1/agents/agent_123" \
-H "Authorization: Bearer YOUR_API_KEY" \
-H "Content-Type: application/json"
