package brain

import (
	"fmt"
	"testing"
)

// Without autonomy the program answers and never asks for tasks, whatever
// waits and whatever it is told; with it, it asks by itself.
func TestAutonomyDecidesWhoAsksForTasks(t *testing.T) {
	for _, c := range []struct{ autonomy, rehearse bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			w := newWorld(t)
			w.self["enableAutonomy"] = c.autonomy
			w.tasks = append(w.tasks, map[string]any{"id": "t", "type": "message"})
			w.begin(c.rehearse, nil)
			w.tell(message("m1", "hello"))
			w.heard("reply", 1)
			w.tell(map[string]any{"id": "c1", "type": "settings_changed"})
			w.tell(map[string]any{"id": "c2", "type": "verify_code", "code": "123456"})
			w.heard("ack", 3)
			w.tell(message("m2", "and again"))
			w.heard("reply", 2)
			if c.autonomy {
				w.heard("task_done", 1)
				return
			}
			w.with(func() {
				if n := w.calls["tasks/claim"]; n != 0 || len(w.tasks) != 1 {
					t.Errorf("it asked %d times, %d tasks are left", n, len(w.tasks))
				}
			})
		})
	}
}
