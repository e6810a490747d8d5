package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// claim is a program that asks for tasks all the time, writes down what it was
// handed and when by the clock that nobody moves, and does it at once.
func claim() int {
	token, err := runToken()
	if err == nil {
		c := claimer{url: os.Getenv("AGENTRY_URL") + "/runtime/v1/", token: token}
		c.file, err = os.OpenFile(filepath.Join(os.Getenv("SCORE_DIR"), os.Getenv("AGENTRY_AGENT_ID")), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		for err == nil {
			err = c.once()
			time.Sleep(15 * time.Millisecond)
		}
	}
	fmt.Println(err)
	return 1
}

type claimer struct {
	url, token string
	file       *os.File
}

func (c *claimer) once() error {
	before := time.Now()
	var got struct{ Tasks []struct{ ID string } }
	if err := c.post("tasks/claim", map[string]any{"max": 10}, &got); err != nil {
		return err
	}
	after := time.Now()
	var events []map[string]any
	enc := json.NewEncoder(c.file)
	for _, t := range got.Tasks {
		if err := enc.Encode(claimed{ID: t.ID, Before: before, After: after}); err != nil {
			return err
		}
		events = append(events, map[string]any{"id": t.ID, "type": "task_done", "taskId": t.ID})
	}
	if len(events) == 0 {
		return nil
	}
	return c.post("events", map[string]any{"events": events}, nil)
}

func (c *claimer) post(path string, in, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequest("POST", c.url+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err = io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %s %s", path, res.Status, raw)
	case out == nil:
		return nil
	}
	return json.Unmarshal(raw, out)
}
