// A real ElizaOS server for tests, offline: the published server with a canned
// model for every agent, but those whose setting "model" is "none".
// PORT is where it listens, PGLITE_DATA_DIR where its data is. It ends when its
// standard input does, so that it cannot outlive the test that started it.
import { AgentServer } from '@elizaos/server';

// What the model is asked ends with the conversation; the character's system
// text in the reply shows that settings arrived.
async function reply(runtime, { prompt }) {
  const said = [...prompt.matchAll(/SAY\(([^)]*)\)/g)].at(-1)?.[1] ?? 'hello';
  return `<response><thought>canned</thought><actions>REPLY</actions><providers></providers>` +
    `<text>${runtime.character.name} (${runtime.character.system ?? ''}): ${said}</text></response>`;
}

const model = {
  name: 'canned-model',
  description: 'answers without a model',
  models: {
    TEXT_SMALL: reply,
    TEXT_LARGE: reply,
    TEXT_EMBEDDING: async () => new Array(384).fill(0),
  },
};

const server = new AgentServer();
const startAgents = server.startAgents.bind(server);
server.startAgents = (agents, options) => startAgents(
  agents.map((a) => (a.character.settings?.model === 'none' ? a : { ...a, plugins: [...(a.plugins ?? []), model] })),
  options,
);

process.stdin.on('end', () => process.exit(0)).resume();
await server.start({ port: Number(process.env.PORT) });
console.log(`ready on ${server.server.address().port}`);
