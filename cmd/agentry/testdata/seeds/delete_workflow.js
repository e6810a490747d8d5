const safeAgentDeletion = async (agentId) => {
try {
// First, check agent status
const agent = await fetch(`https://api.kakiyo.com/v1/agents/${agentId}`, {
headers: { 'Authorization': 'Bearer YOUR_API_KEY' }
}).then(r => r.json());
if (agent.status !== 'ended') {
console.log(`Agent status is ${agent.status}. Cannot delete until ended.`);
return { success: false, reason: 'Agent not ended' };
}
// Confirm deletion (in a real app, this would be user confirmation)
const confirmed = true; // Replace with actual confirmation logic
if (!confirmed) {
return { success: false, reason: 'User cancelled' };
}
// Proceed with deletion
const result = await deleteAgent(agentId);
return {
success: true,
message: result.message
};
} catch (error) {
return {
success: false,
error: error.message
};
}
};
