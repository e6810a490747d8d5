#!/usr/bin/env python3
"""An agent program in Python: it repeats messages and ticks off its tasks."""
import http.client, json, os, random, sys, time, urllib.error, urllib.request

API = os.environ["AGENTRY_URL"] + "/runtime/v1/"
with os.fdopen(3) as pipe:  # the run token: a line on descriptor 3, nowhere else
    TOKEN = pipe.readline().strip()


def call(method, path, body=None):
    """Makes a call, and again until the server has taken it."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
    pause = 0.5
    while True:
        try:
            request = urllib.request.Request(API + path, data, headers, method=method)
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            if e.code == 410:
                sys.exit(0)  # the run is over: paused, ended, or a newer one began
            if e.code < 500 and e.code not in (408, 429):
                sys.exit(f"{method} {path}: {e.code} {e.read().decode()}")
        except (OSError, ValueError, http.client.HTTPException):
            pass  # the server is away, or its answer was cut
        time.sleep(pause * random.uniform(0.5, 1))
        pause = min(2 * pause, 15)


def event(id, type, **fields):
    """An id that follows from what it is about: told twice, it has one effect."""
    return {"id": id, "type": type, **fields}


me = call("GET", "self")  # says hello
print("running for", me["agent"]["name"], flush=True)  # output is the agent's log
while True:
    events, stop = [event("beat", "heartbeat")], False
    for c in call("GET", "inbox?wait=10")["commands"]:
        if c["type"] == "message":  # c["history"] has what was said before
            text = "You said: " + c["text"][:1000]
            events.append(event("r-" + c["messageId"], "reply", messageId=c["messageId"], text=text))
        elif c["type"] == "settings_changed":
            me = call("GET", "self")
        elif c["type"] == "stop":
            stop = True
        events.append(event("a-" + c["id"], "ack", commandId=c["id"]))
    if me["enableAutonomy"] and not stop:  # the server says what may be done now
        for t in call("POST", "tasks/claim", {"max": 5})["tasks"]:
            print("doing", t["type"], json.dumps(t["payload"]), flush=True)
            events.append(event("d-" + t["id"], "task_done", taskId=t["id"]))
    call("POST", "events", {"events": events})
    if stop:
        sys.exit(0)
