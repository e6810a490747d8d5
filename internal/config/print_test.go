package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestConfigPrintsWithoutSecrets(t *testing.T) {
	c := mustLoad(t, nil, []string{"AGENTRY_GOLOGIN_TOKEN=canary-1", "AGENTRY_LLM_API_KEY=canary-2", "AGENTRY_ENV_NAME=visible"},
		"[kinds.bot]\ndriver = 'process'\ncommand = ['/bin/x', 'canary-3']\nenv = { KEY = 'canary-4' }")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", c, "pointer", &c, "key", c.LLMAPIKey)
	outputs := map[string]string{"log": log.String(), "String": c.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		outputs[verb] = fmt.Sprintf(verb, c) + fmt.Sprintf(verb, &c)
		if got := fmt.Sprintf(verb, c.LLMAPIKey); got != "[secret]" {
			t.Errorf("%s prints a secret as %q", verb, got)
		}
	}
	js, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	outputs["JSON"] = string(js)
	for name, out := range outputs {
		if strings.Contains(out, "canary") {
			t.Errorf("%s shows a secret: %s", name, out)
		}
		if !strings.Contains(out, "visible") || !strings.Contains(out, "[secret]") || !strings.Contains(out, "assistant,bot,rehearsal") {
			t.Errorf("%s misses options: %s", name, out)
		}
	}
	if js, err := json.Marshal(c.GoLoginToken); err != nil || string(js) != `"[secret]"` {
		t.Errorf("a secret encodes as %s, %v", js, err)
	}
	if got := fmt.Sprint(Secret{}); got != "" || (Secret{}).IsSet() {
		t.Errorf("no secret prints as %q", got)
	}
}
