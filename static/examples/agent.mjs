#!/usr/bin/env node
// An agent program in JavaScript: it repeats messages and ticks off its tasks.
import { readFileSync } from "node:fs";

const api = process.env.AGENTRY_URL + "/runtime/v1/";
const token = readFileSync(3, "utf8").split("\n")[0]; // the run token: a line on descriptor 3, nowhere else

// call makes a call, and again until the server has taken it.
async function call(method, path, body) {
  for (let pause = 500; ; pause = Math.min(2 * pause, 15000)) {
    try {
      const answer = await fetch(api + path, {
        method,
        headers: { Authorization: "Bearer " + token, "Content-Type": "application/json" },
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(60000),
      });
      if (answer.ok) return await answer.json();
      if (answer.status === 410) process.exit(0); // the run is over: paused, ended, or a newer one began
      if (answer.status < 500 && ![408, 429].includes(answer.status)) {
        console.error(method, path, answer.status, await answer.text());
        process.exit(1);
      }
    } catch {
      // The server is away, or its answer was cut.
    }
    await new Promise((done) => setTimeout(done, pause * (0.5 + Math.random() / 2)));
  }
}

// event has an id that follows from what it is about: told twice, it has one effect.
const event = (id, type, fields) => ({ id, type, ...fields });

let me = await call("GET", "self"); // says hello
console.log("running for", me.agent.name); // output is the agent's log
for (let stop = false; !stop; ) {
  const events = [event("beat", "heartbeat")];
  for (const c of (await call("GET", "inbox?wait=10")).commands) {
    if (c.type === "message") { // c.history has what was said before
      const text = "You said: " + c.text.slice(0, 1000);
      events.push(event("r-" + c.messageId, "reply", { messageId: c.messageId, text }));
    } else if (c.type === "settings_changed") {
      me = await call("GET", "self");
    } else if (c.type === "stop") {
      stop = true;
    }
    events.push(event("a-" + c.id, "ack", { commandId: c.id }));
  }
  if (me.enableAutonomy && !stop) { // the server says what may be done now
    for (const t of (await call("POST", "tasks/claim", { max: 5 })).tasks) {
      console.log("doing", t.type, JSON.stringify(t.payload));
      events.push(event("d-" + t.id, "task_done", { taskId: t.id }));
    }
  }
  await call("POST", "events", { events });
}
