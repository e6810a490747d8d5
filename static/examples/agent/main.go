// An agent program in Go: it repeats messages and ticks off its tasks.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

// call makes a call, and again until the server has taken it.
func call(token, method, path string, body map[string]any, into any) {
	raw, _ := json.Marshal(body) // a GET's null is not looked at
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, 15*time.Second) {
		req, _ := http.NewRequest(method, os.Getenv("AGENTRY_URL")+"/runtime/v1/"+path, bytes.NewReader(raw))
		req.Header.Set("Authorization", "Bearer "+token)
		if res, err := (&http.Client{Timeout: time.Minute}).Do(req); err == nil {
			err = json.NewDecoder(res.Body).Decode(into)
			res.Body.Close()
			if code := res.StatusCode; code == 200 && err == nil {
				return
			} else if code == 410 {
				os.Exit(0) // the run is over: paused, ended, or a newer one began
			} else if code/100 == 4 && code != 408 && code != 429 {
				panic(method + " " + path + " is refused: " + res.Status)
			}
		}
		time.Sleep(pause/2 + time.Duration(time.Now().Nanosecond())%(pause/2)) // away, cut or busy
	}
}
func main() {
	token, me := "", struct{ EnableAutonomy, Stop bool }{}
	fmt.Fscanln(os.NewFile(3, "token"), &token)           // the run token: a line on descriptor 3, nowhere else
	for call(token, "GET", "self", nil, &me); !me.Stop; { // self says hello
		events := []map[string]any{{"id": "beat", "type": "heartbeat"}} // the ids make that what is told twice has one effect
		var got struct {
			Commands, Tasks []struct{ ID, Type, MessageID, Text string }
		}
		call(token, "GET", "inbox?wait=10", nil, &got)
		for _, c := range got.Commands {
			if c.Type == "message" {
				events = append(events, map[string]any{"id": "r-" + c.MessageID, "type": "reply", "messageId": c.MessageID, "text": fmt.Sprintf("You said: %.1000s", c.Text)})
			} else if c.Type == "settings_changed" {
				call(token, "GET", "self", nil, &me)
			}
			me.Stop = me.Stop || c.Type == "stop"
			events = append(events, map[string]any{"id": "a-" + c.ID, "type": "ack", "commandId": c.ID})
		}
		if me.EnableAutonomy && !me.Stop { // the server says what may be done now
			call(token, "POST", "tasks/claim", map[string]any{"max": 5}, &got)
		}
		for _, t := range got.Tasks {
			events = append(events, map[string]any{"id": "d-" + t.ID, "type": "task_done", "taskId": t.ID})
		}
		call(token, "POST", "events", map[string]any{"events": events}, &struct{}{})
	}
}
