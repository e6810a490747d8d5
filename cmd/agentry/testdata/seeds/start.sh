curl --request POST \
  --url https://api.example.com/agents/{agentId}/start \
  --header 'Content-Type: <content-type>' \
  --data ' { "enableAutonomy": true, "settings": {} } '

curl -X POST http://localhost:3000/agents/550e8400-e29b-41d4-a716-446655440000/start \
  -H "Content-Type: application/json" \
  -d '{}'

curl -X POST http://localhost:3000/agents/550e8400-e29b-41d4-a716-446655440000/start \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer YOUR_API_KEY" \
  -d '{ "enableAutonomy": true }'

curl -X POST http://localhost:3000/agents/550e8400-e29b-41d4-a716-446655440000/start \
  -H "Content-Type: application/json" \
  -d '{ "settings": { "temperature": 0.8, "maxTokens": 2000 } }'

curl http://localhost:3000/agents/550e8400-e29b-41d4-a716-446655440000
