package eliza

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// The calls of the server's API that agentry makes. Agent ids go out in lower
// case: the server finds an upper-case one and then cannot start it.

// list returns the ids (lower case) of all the server's agents and which of
// them run.
func (a *api) list(ctx context.Context) (map[string]bool, error) {
	var out struct {
		Data struct {
			Agents []struct {
				ID     string `json:"id"`
				Status string `json:"status"`
			} `json:"agents"`
		} `json:"data"`
	}
	if err := a.call(ctx, http.MethodGet, "/api/agents", shortCall, nil, &out); err != nil {
		return nil, err
	}
	if out.Data.Agents == nil {
		return nil, &callError{trouble: unreachable, text: "What answers at " + a.url + " is no ElizaOS server: it has no list of agents"}
	}
	agents := make(map[string]bool, len(out.Data.Agents))
	for _, one := range out.Data.Agents {
		agents[strings.ToLower(one.ID)] = one.Status == "active"
	}
	return agents, nil
}

// change is what the server says about a changed agent. Of its settings only
// agentry's marker is read: the others hold the server's own secrets.
type change struct {
	Data struct {
		ID       string `json:"id"`
		Settings struct {
			Marker map[string]json.RawMessage `json:"agentry"`
		} `json:"settings"`
	} `json:"data"`
}

// configure makes the agent there what c says, and makes it where it is
// missing. The server answers a change of an agent that it does not have with
// success and no id.
func (a *api) configure(ctx context.Context, id string, c character) error {
	path := "/api/agents/" + id
	var was change
	err := a.call(ctx, http.MethodPatch, path, shortCall, c.body(""), &was)
	if hasCode(err, "NOT_FOUND") {
		err = nil
	}
	switch {
	case err != nil:
		return err
	case !strings.EqualFold(was.Data.ID, id):
		return a.call(ctx, http.MethodPost, "/api/agents", shortCall, map[string]any{"characterJson": c.body(id)}, &success{})
	}
	if rest := c.leftovers(was.Data.Settings.Marker); rest != nil {
		return a.call(ctx, http.MethodPatch, path, shortCall, rest, &success{})
	}
	return nil
}

// start starts the agent; one that runs already stays.
func (a *api) start(ctx context.Context, id string) error {
	return a.call(ctx, http.MethodPost, "/api/agents/"+id+"/start", startCall, nil, &success{})
}

// stop stops the agent. That it does not run, or is not there, is what the
// server calls not found.
func (a *api) stop(ctx context.Context, id string) error {
	return gone(a.call(ctx, http.MethodPost, "/api/agents/"+id+"/stop", shortCall, nil, &success{}))
}

// remove deletes the agent. The server may answer that it is still at it: then
// it is not gone for sure.
func (a *api) remove(ctx context.Context, id string) error {
	var out struct {
		Partial bool `json:"partial"`
	}
	var raw plain // an empty answer is the usual one
	err := gone(a.call(ctx, http.MethodDelete, "/api/agents/"+id, removeCall, nil, &raw))
	if err == nil && json.Unmarshal(raw, &out) == nil && out.Partial {
		return &callError{trouble: failed, status: http.StatusAccepted, text: "The ElizaOS server at " + a.url + " is still deleting the agent"}
	}
	return err
}

func gone(err error) error {
	if hasCode(err, "NOT_FOUND") {
		return nil
	}
	return err
}

// session opens a conversation with a running agent and returns its id. user
// is the UUID by which the agent knows whom it talks to.
func (a *api) session(ctx context.Context, agent, user string) (string, error) {
	var out struct {
		SessionID string `json:"sessionId"`
	}
	in := map[string]any{"agentId": agent, "userId": user}
	if err := a.call(ctx, http.MethodPost, "/api/messaging/sessions", shortCall, in, &out); err != nil {
		return "", err
	}
	if out.SessionID == "" || strings.ContainsAny(out.SessionID, "/?#% ") {
		return "", &callError{trouble: failed, text: "The ElizaOS server at " + a.url + " opened a session without an id"}
	}
	return out.SessionID, nil
}

// say sends a text of at most maxContent and returns the agent's answer, which
// is empty when the agent chose not to answer.
func (a *api) say(ctx context.Context, session, content string) (string, error) {
	var out struct {
		Response struct {
			Text string `json:"text"`
		} `json:"agentResponse"`
	}
	in := map[string]any{"content": content, "transport": "http"}
	err := a.call(ctx, http.MethodPost, "/api/messaging/sessions/"+session+"/messages", messageCall, in, &out)
	return out.Response.Text, err
}
