import requests
agent_id = "550e8400-e29b-41d4-a716-446655440000"
response = requests.post(
    f'http://localhost:3000/agents/{agent_id}/start',
    json={'enableAutonomy': False}
)
data = response.json()
if data['success']:
    print(data['message'])
    print(f"Agent status: {data['data']['status']}")
