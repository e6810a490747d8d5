// Every call of the published client on agents, sessions and the server, with
// exactly what it must return or throw. Each that was as it must be is one
// line on the output; the first that was not ends the program.
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';

const [library, baseUrl, apiKey, foreignKey, readKey] = process.argv.slice(2);
const { ElizaClient } = await import(pathToFileURL(library));

const client = ElizaClient.create({ baseUrl, apiKey });
const foreigner = ElizaClient.create({ baseUrl, apiKey: foreignKey });
const reader = ElizaClient.create({ baseUrl, apiKey: readKey });
const stranger = ElizaClient.create({ baseUrl, apiKey: 'sekret' });

const unknown = '11111111-2222-4333-8444-555555555555';
const userId = '22222222-3333-4444-8555-666666666666';
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const done = (what) => console.log('ok', what);

// is compares what a call returns, after change has checked and taken out what
// differs from run to run.
async function is(what, call, want, change = (got) => got) {
  assert.deepEqual(await change(await call), want, what);
  done(what);
}

async function fails(what, call, status, code, message, details) {
  const error = await call.then(
    (got) => assert.fail(`${what}: returned ${JSON.stringify(got)}`),
    (error) => error,
  );
  assert.deepEqual(
    { name: error.name, status: error.status, code: error.code, message: error.message, details: error.details },
    { name: 'ApiError', status, code, message, details },
    what,
  );
  done(what);
}

// took removes fields after a look at them.
const took = (...checks) => (got) => {
  for (const [name, fits] of checks) {
    const value = got[name];
    assert.ok(fits instanceof RegExp ? fits.test(value) : fits(value), `${name} is ${JSON.stringify(value)}`);
    delete got[name];
  }
  return got;
};
// until asks again until what comes is enough.
async function until(enough, ask) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const got = await ask();
    if (enough(got)) {
      return got;
    }
    assert.ok(Date.now() < deadline, `waited in vain: ${JSON.stringify(got)}`);
  }
}
const recent = (ms) => Number.isInteger(ms) && Math.abs(Date.now() - ms) < 600_000;
const notFound = [404, 'NOT_FOUND', 'Agent not found'];
const noEndpoint = [404, 'NOT_FOUND', 'API endpoint not found'];

// --- the server
await is('server.ping', client.server.ping(), { pong: true }, took(['timestamp', recent]));
await is('server.checkHealth', client.server.checkHealth(), { status: 'OK', dependencies: { agents: 'no_agents', database: 'healthy' } },
  took(['timestamp', iso], ['version', (v) => v !== '']));
await is('server.getStatus', client.server.getStatus(), { status: 'ok', agentCount: 0 }, took(['timestamp', iso]));
await fails('a wrong key', stranger.server.ping(), 401, 'UNAUTHORIZED', 'Missing or invalid API key: send it as X-API-KEY or as Authorization: Bearer');

// --- agents
const bot = {
  name: 'ClientBot', username: 'clientbot', system: 'Be brief.', bio: ['b'], plugins: ['plugin-stub'], topics: ['tests'], adjectives: ['calm'],
  style: { all: ['short'], chat: [] }, messageExamples: [[{ name: 'ClientBot', content: { text: 'hi' } }]], knowledge: ['k'], postExamples: [],
  settings: { model: 'm', rules: [{ pattern: '^ping$', reply: 'pong' }] },
};
const secret = { ...bot, secrets: { A: 'a' }, settings: { ...bot.settings, secrets: { B: 'b' } } };
const { id } = await client.agents.createAgent({ characterJson: secret });
assert.match(id, uuid);
done('agents.createAgent');
const shown = { id, ...bot };
await is('agents.createAgent again', client.agents.createAgent({ agent: { name: bot.name, bio: 'other' } }), { id, character: shown });
await fails('agents.createAgent of nothing', client.agents.createAgent({}), 400, 'CREATE_ERROR', 'No character configuration provided');
await fails('agents.createAgent from a path', client.agents.createAgent({ characterPath: '/etc/passwd' }), 400, 'CREATE_ERROR',
  'characterPath is not taken: this server opens no file or address that a caller names. Send the character itself as characterJson');
await fails('agents.createAgent without bio', client.agents.createAgent({ characterJson: { name: 'x' } }), 400, 'CREATE_ERROR',
  'Character validation failed: bio: must be a text or a list of texts');
await fails('agents.createAgent without the right', reader.agents.createAgent({ characterJson: bot }), 403, 'FORBIDDEN', 'This needs the operate scope; yours is read');
const fixed = '550e8400-e29b-41d4-a716-446655440000';
await is('agents.createAgent with an id', client.agents.createAgent({ characterJson: { id: fixed, name: 'Fixed', bio: 'fixed' } }), fixed, (got) => got.id);
await fails('agents.createAgent with a taken id', foreigner.agents.createAgent({ characterJson: { id: fixed, name: 'Fixed', bio: 'fixed' } }), 409, 'CREATE_ERROR',
  'An agent with this id exists already');
await is('agents.listAgents', reader.agents.listAgents(), {
  agents: [
    { id, name: 'ClientBot', characterName: 'ClientBot', bio: 'b', status: 'inactive' },
    { id: fixed, name: 'Fixed', characterName: 'Fixed', bio: 'fixed', status: 'inactive' },
  ],
});
const full = (more) => ({ ...shown, enabled: true, server_id: null, status: 'inactive', ...more });
const times = took(['createdAt', recent], ['updatedAt', recent]);
await is('agents.getAgent', client.agents.getAgent(id), full(), times);
await is('agents.getAgent in upper case', client.agents.getAgent(id.toUpperCase()), full(), times);
await is('agents.startAgent', client.agents.startAgent(id), { id, name: 'ClientBot', status: 'active' });
await is('agents.startAgent again', client.agents.startAgent(id), { id, name: 'ClientBot', status: 'active' });
await is('agents.updateAgent', client.agents.updateAgent(id, { bio: ['new'], metadata: { a: 1 } }), full({ bio: ['new'], status: 'active' }), times);
await fails('agents.updateAgent to a wrong type', client.agents.updateAgent(id, { bio: 7 }), 400, 'UPDATE_ERROR', 'bio: must be a text or a list of texts');
await is('agents.getAgentPanels', client.agents.getAgentPanels(id), { panels: [] });
const logs = await until((got) => got.length > 0, () => client.agents.getAgentLogs(id, { level: 'info', limit: 5 }));
assert.ok(logs.length <= 5, `${logs.length} logs`);
for (const log of logs) {
  assert.deepEqual(took(['id', uuid], ['message', (m) => m !== ''], ['timestamp', recent], ['createdAt', recent], ['level', /^(info|warn|error)$/])(log), { entityId: id, type: 'log' });
}
done('agents.getAgentLogs');
await is('agents.getAgentLogs of long ago', client.agents.getAgentLogs(id, { to: new Date('2020-01-01') }), []);

for (const [name, call] of Object.entries({
  getAgent: (c, id) => c.agents.getAgent(id), startAgent: (c, id) => c.agents.startAgent(id), stopAgent: (c, id) => c.agents.stopAgent(id),
  updateAgent: (c, id) => c.agents.updateAgent(id, {}), deleteAgent: (c, id) => c.agents.deleteAgent(id),
  listRuns: (c, id) => c.runs.listRuns(id), getRun: (c, id) => c.runs.getRun(id, unknown), getAgentLogs: (c, id) => c.agents.getAgentLogs(id), getAgentPanels: (c, id) => c.agents.getAgentPanels(id),
})) {
  await fails(`${name} of an unknown agent`, call(client, unknown), ...notFound);
  await fails(`${name} of no id`, call(client, 'not-a-uuid'), 400, 'INVALID_ID', 'Invalid agent ID format');
  await fails(`${name} of another team`, call(foreigner, id), 403, 'FORBIDDEN', 'You do not have access to this agent');
}
for (const [name, call] of Object.entries({
  getWorlds: () => client.agents.getWorlds(), addAgentToWorld: () => client.agents.addAgentToWorld(id, unknown),
  updateAgentWorldSettings: () => client.agents.updateAgentWorldSettings(id, unknown, {}), deleteAgentLog: () => client.agents.deleteAgentLog(id, unknown),
  getAgentsForMessageServer: () => client.agents.getAgentsForMessageServer(unknown), addAgentToMessageServer: () => client.agents.addAgentToMessageServer(unknown, id),
  removeAgentFromMessageServer: () => client.agents.removeAgentFromMessageServer(unknown, id), getMessageServersForAgent: () => client.agents.getMessageServersForAgent(id),
})) {
  await fails(`agents.${name}`, call(), ...noEndpoint);
}

// --- sessions
const metadata = { platform: 'test', username: 'Eve' };
const timeoutConfig = { timeoutMinutes: 30, autoRenew: true, maxDurationMinutes: 720, warningThresholdMinutes: 5 };
const healthy = (n) => [{ status: 'healthy', activeSessions: n }, took(['timestamp', iso])];
await is('sessions.checkHealth', client.sessions.checkHealth(), ...healthy(0));
const opened = await client.sessions.createSession({ agentId: id, userId, metadata });
const { sessionId, channelId } = opened;
assert.match(sessionId, uuid);
assert.match(channelId, uuid);
const open = { sessionId, channelId, agentId: id, userId, metadata, timeoutConfig };
assert.deepEqual(took(['createdAt', iso], ['expiresAt', iso])(opened), open);
done('sessions.createSession');
const info = (renewalCount) => [{ ...open, renewalCount, isNearExpiration: false },
  took(['createdAt', iso], ['expiresAt', iso], ['lastActivity', iso], ['timeRemaining', (ms) => ms > 1_700_000 && ms <= 1_800_000])];
await is('sessions.getSession', reader.sessions.getSession(sessionId), ...info(0));

const beside = { sessionId, agentId: id, userId, ...metadata };
const exchange = (content, renewalCount, text, more) => [
  {
    success: true,
    userMessage: {
      content, authorId: userId, author_id: userId, channel_id: channelId, message_server_id: '00000000-0000-0000-0000-000000000000', source_type: 'user',
      raw_message: { content }, metadata: { ...beside, ...more },
    },
    ...(text === undefined ? {} : { agentResponse: { text, actions: ['REPLY'], providers: [], simple: true } }),
    sessionStatus: { renewalCount, wasRenewed: true, isNearExpiration: false },
  },
  (got) => {
    if (got.agentResponse) {
      took(['responseId', uuid], ['inReplyTo', (of) => of === got.userMessage.id])(got.agentResponse);
    }
    took(['id', uuid], ['createdAt', iso], ['created_at', recent])(got.userMessage);
    took(['expiresAt', iso])(got.sessionStatus);
    return got;
  },
];
await is('sessions.sendMessageSync', client.sessions.sendMessageSync(sessionId, { content: 'ping' }), ...exchange('ping', 1, 'pong'));
await is('sessions.sendMessage over http', client.sessions.sendMessage(sessionId, { content: 'ping', transport: 'http', metadata: { source: 'test' } }), ...exchange('ping', 2, 'pong', { source: 'test' }));
await is('sessions.sendMessage', client.sessions.sendMessage(sessionId, { content: 'ping' }), ...exchange('ping', 3));

const { messages } = await until((got) => got.messages.length === 6, () => client.sessions.getMessages(sessionId));
messages.forEach((message, i) => {
  const reply = i % 2 === 0;
  took(['id', uuid], ['createdAt', iso])(message);
  assert.deepEqual(message, {
    content: reply ? 'pong' : 'ping', authorId: reply ? id : userId, isAgent: reply,
    metadata: reply ? { ...beside, actions: ['REPLY'], inReplyTo: message.metadata.inReplyTo } : { ...beside, ...(i === 3 ? { source: 'test' } : {}) },
  }, `message ${i}`);
});
done('sessions.getMessages');
const page = await client.sessions.getMessages(sessionId, { limit: 2 });
assert.ok(page.messages.length === 2 && page.hasMore && page.cursors.before <= page.cursors.after);
const rest = await client.sessions.getMessages(sessionId, { before: new Date(page.cursors.before) });
assert.ok(!rest.hasMore && rest.messages.every((m) => Date.parse(m.createdAt) < page.cursors.before));
await is('sessions.getMessages before and after', client.sessions.getMessages(sessionId, { after: page.cursors.after }), { messages: [], hasMore: false });

const run = (status, more) => ({ status, roomId: channelId, ...more });
const ran = (got) => took(['runId', uuid], ['messageId', (of) => uuid.test(of)], ['startedAt', recent], ['endedAt', recent], ['durationMs', (ms) => ms >= 0 && ms < 60_000])(got);
const { runs } = await client.runs.listRuns(id, { limit: 2, roomId: channelId });
const { runId } = runs[0];
await is('runs.listRuns', client.runs.listRuns(id, { limit: 2, status: 'completed' }), { runs: [run('completed'), run('completed')], total: 2, hasMore: true },
  (got) => ({ ...got, runs: got.runs.map(ran) }));
await is('runs.getRun', client.runs.getRun(id, runId), { summary: run('completed'), events: [['RUN_STARTED', { source: 'Eve' }], ['RUN_ENDED', { status: 'completed' }]] },
  (got) => ({ summary: ran(got.summary), events: got.events.map((e) => [e.type, e.data]) }));
await fails('runs.getRun of an unknown run', client.runs.getRun(id, unknown), 404, 'NOT_FOUND', 'Run not found');
await is('sessions.listSessions', client.sessions.listSessions(), { total: 1, stats: { totalSessions: 1, activeSessions: 1, expiredSessions: 0 }, sessions: [info(3)[0]] },
  (got) => ({ ...got, sessions: got.sessions.map(info(3)[1]) }));
await is('sessions.listSessions of another team', foreigner.sessions.listSessions(), { sessions: [], total: 0, stats: { totalSessions: 0, activeSessions: 0, expiredSessions: 0 } });
const closed = [404, 'SESSION_NOT_FOUND', `Session with ID '${unknown}' not found`];
for (const [name, call] of Object.entries({
  getSession: (c, id) => c.sessions.getSession(id), sendMessage: (c, id) => c.sessions.sendMessage(id, { content: 'x' }),
  sendMessageSync: (c, id) => c.sessions.sendMessageSync(id, { content: 'x' }), getMessages: (c, id) => c.sessions.getMessages(id), deleteSession: (c, id) => c.sessions.deleteSession(id),
})) {
  await fails(`sessions.${name} of an unknown session`, call(client, unknown), ...closed);
  await fails(`sessions.${name} of another team`, call(foreigner, sessionId), 403, 'FORBIDDEN', 'You do not have access to this agent');
}
await fails('sessions.createSession with an unknown agent', client.sessions.createSession({ agentId: unknown, userId }), 404, 'AGENT_NOT_FOUND', `Agent with ID '${unknown}' not found`);
await fails('sessions.createSession with nobody', client.sessions.createSession({ agentId: id, userId: 'me' }), 400, 'VALIDATION_ERROR', "Invalid UUID format for field 'userId'");
await fails('sessions.createSession of nothing', client.sessions.createSession({}), 400, 'VALIDATION_ERROR', 'Missing required fields: agentId, userId');
await fails('sessions.createSession with an agent of another team', foreigner.sessions.createSession({ agentId: id, userId }), 403, 'FORBIDDEN', 'You do not have access to this agent');
await fails('sessions.sendMessage of too much', client.sessions.sendMessage(sessionId, { content: 'x'.repeat(4001) }), 400, 'VALIDATION_ERROR', 'content: must have at most 4000 characters');

// --- the end
await is('agents.stopAgent', client.agents.stopAgent(id), { message: 'Agent stopped' });
await is('agents.stopAgent again', client.agents.stopAgent(id), { message: 'Agent stopped' });
const stopped = [404, 'AGENT_NOT_FOUND', `Agent with ID '${id}' not found among those that run: it is paused`];
await fails('sessions.createSession with a stopped agent', client.sessions.createSession({ agentId: id, userId }), ...stopped);
await fails('sessions.sendMessage to a stopped agent', client.sessions.sendMessage(sessionId, { content: 'x' }), ...stopped);
await is('sessions.deleteSession', client.sessions.deleteSession(sessionId), { success: true });
await fails('sessions.getSession of a deleted session', client.sessions.getSession(sessionId), 404, 'SESSION_NOT_FOUND', `Session with ID '${sessionId}' not found`);
await is('sessions.checkHealth at the end', client.sessions.checkHealth(), ...healthy(0));
await fails('agents.deleteAgent of a living agent', client.agents.deleteAgent(id), 409, 'DELETE_ERROR', 'Agent can only be deleted when status is ended',
  'End it first: on its page, or with POST /v1/agents/{id}/end');
const ended = await fetch(`${baseUrl}/v1/agents/${id}/end`, { method: 'POST', headers: { Authorization: `Bearer ${apiKey}` } });
assert.equal(ended.status, 200);
await fails('agents.startAgent of an ended agent', client.agents.startAgent(id), 409, 'START_ERROR', 'Agent cannot be started when status is ended');
await is('agents.deleteAgent', client.agents.deleteAgent(id), { success: true });
await fails('agents.getAgent of a deleted agent', client.agents.getAgent(id), ...notFound);
