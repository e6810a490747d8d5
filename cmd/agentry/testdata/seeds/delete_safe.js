const safeDeleteAgent = async (agentId) => {
try {
const response = await fetch(`https://api.kakiyo.com/v1/agents/${agentId}`, {
method: 'DELETE',
headers: {
'Authorization': 'Bearer YOUR_API_KEY',
'Content-Type': 'application/json'
}
});
const data = await response.json();
if (!response.ok) {
switch (data.error) {
case 'not_found':
throw new Error('Agent not found. Please check the agent ID.');
case 'forbidden':
throw new Error('You do not have permission to delete this agent.');
case 'invalid_status':
throw new Error(`Agent cannot be deleted. Current status: ${data.currentStatus}. Agent must be ended first.`);
case 'internal_error':
throw new Error('Server error occurred. Please try again later.');
default:
throw new Error(`Unexpected error: ${data.message}`);
}
}
return data;
} catch (error) {
console.error('Delete agent error:', error.message);
throw error;
}
};
