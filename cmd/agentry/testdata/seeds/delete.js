// JavaScript/Node.js
const deleteAgent = async (agentId) => {
const response = await fetch(`https://api.kakiyo.com/v1/agents/${agentId}`, {
method: 'DELETE',
headers: {
'Authorization': 'Bearer YOUR_API_KEY',
'Content-Type': 'application/json'
}
});
if (!response.ok) {
const error = await response.json();
throw new Error(`Failed to delete agent: ${error.message}`);
}
return await response.json();
};
// Usage with error handling
try {
const result = await deleteAgent('agent_123');
console.log('Agent deleted:', result.message);
} catch (error) {
console.error('Delete failed:', error.message);
}
