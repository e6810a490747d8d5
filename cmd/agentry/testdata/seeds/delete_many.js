const cleanupEndedAgents = async () => {
try {
// Get all agents
const agents = await fetch('https://api.kakiyo.com/v1/agents', {
headers: { 'Authorization': 'Bearer YOUR_API_KEY' }
}).then(r => r.json());
// Filter ended agents
const endedAgents = agents.filter(agent => agent.status === 'ended');
console.log(`Found ${endedAgents.length} ended agents to clean up`);
const results = [];
for (const agent of endedAgents) {
try {
await deleteAgent(agent.id);
results.push({ id: agent.id, success: true });
console.log(`✓ Deleted agent ${agent.id}`);
} catch (error) {
results.push({ id: agent.id, success: false, error: error.message });
console.log(`✗ Failed to delete agent ${agent.id}: ${error.message}`);
}
}
return results;
} catch (error) {
console.error('Bulk cleanup failed:', error.message);
throw error;
}
};
