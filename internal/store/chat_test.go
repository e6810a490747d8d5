package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"agentry/internal/fleet"
)

// talk puts messages into a conversation, one a minute, each replied half a
// minute later but the last.
func talk(t *testing.T, s *Store, a fleet.Agent, conversation string, n int) {
	t.Helper()
	mustWrite(t, s, func(tx *Tx) error {
		for i := range n {
			m := fleet.Message{ID: fmt.Sprint(conversation, i), AgentID: a.ID, Conversation: conversation, Text: fmt.Sprint("q", i), State: fleet.MessagePending, CreatedAt: t0.Add(time.Duration(i) * time.Minute)}
			if err := tx.InsertMessage(m); err != nil {
				return err
			}
			if i == n-1 {
				return tx.SetMessageMetadata(m.ID, []byte(`{"last":true}`))
			}
			if _, err := tx.Reply(a.ID, m.ID, fmt.Sprint("a", i), m.CreatedAt.Add(30*time.Second)); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestChatTexts(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "x")
	insert(t, s, a)
	talk(t, s, a, "c", 3)
	talk(t, s, a, "other", 3)
	minute := func(n float64) time.Time { return t0.Add(time.Duration(n * float64(time.Minute))) }
	for _, c := range []struct {
		what     string
		from, to time.Time
		oldest   bool
		limit    int
		want     string
	}{
		{"all", time.Time{}, time.Time{}, false, 9, "q2 a1 q1 a0 q0"},
		{"the newest", time.Time{}, time.Time{}, false, 2, "q2 a1"},
		{"the oldest", time.Time{}, time.Time{}, true, 2, "a0 q0"},
		{"before", time.Time{}, minute(1), false, 9, "a0 q0"},
		{"from on", minute(1), time.Time{}, true, 9, "q2 a1 q1"},
		{"between", minute(0.5), minute(2), false, 9, "a1 q1 a0"},
	} {
		mustRead(t, s, func(tx *Tx) error {
			list, err := tx.ChatTexts(teamA, a.ID, "c", c.from, c.to, c.oldest, c.limit)
			var words []string
			for _, text := range list {
				words = append(words, text.Text)
				if text.IsReply != strings.HasPrefix(text.Text, "a") || !strings.HasPrefix(text.MessageID, "c") || (string(text.Metadata) == `{"last":true}`) != (text.Text == "q2") {
					t.Errorf("%s: %+v", c.what, text)
				}
			}
			if got := strings.Join(words, " "); got != c.want {
				t.Errorf("%s: %s, want %s", c.what, got, c.want)
			}
			return err
		})
	}
}

func TestChatsEnd(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "x")
	insert(t, s, a)
	first := fleet.Chat{ID: "c1", TeamID: teamA, AgentID: a.ID, UserID: "u", Conversation: "v1", Metadata: []byte(`{"a":1}`), CreatedAt: t0, ActiveAt: t0}
	first = first.Retimed(fleet.DefaultChatTimeout())
	second := first
	second.ID = "c2"
	later, renewed := second.Renewed(t0.Add(10 * time.Minute))
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.InsertChat(first); err != nil {
			return err
		}
		if err := tx.InsertChat(second); err != nil {
			return err
		}
		return tx.SetChat(later)
	})
	mustRead(t, s, func(tx *Tx) error {
		got, ok, err := tx.Chat(teamA, "c2")
		if !ok || !renewed || fmt.Sprint(got) != fmt.Sprint(later) {
			t.Errorf("%+v, want %+v", got, later)
		}
		list, _ := tx.OpenChats(teamA, t0, 10)
		soon, _ := tx.CountOpenChats(teamA, a.ID, t0)
		late, _ := tx.CountOpenChats(teamA, a.ID, t0.Add(35*time.Minute))
		if len(list) != 2 || list[0].ID != "c2" || soon != 2 || late != 1 {
			t.Errorf("%d listed, %d and %d open", len(list), soon, late)
		}
		return err
	})
	mustWrite(t, s, func(tx *Tx) error { return tx.DropChatsBefore(t0.Add(35 * time.Minute)) })
	mustRead(t, s, func(tx *Tx) error {
		all, open, err := tx.CountChats(teamA, t0.Add(time.Hour))
		if all != 1 || open != 0 {
			t.Errorf("%d kept, %d open", all, open)
		}
		return err
	})
	mustWrite(t, s, func(tx *Tx) error { return tx.DeleteChats(teamB, a.ID) })
	mustRead(t, s, func(tx *Tx) error {
		if _, ok, err := tx.Chat(teamA, "c2"); !ok || err != nil {
			t.Error("another team deleted it", err)
		}
		return nil
	})
	mustWrite(t, s, func(tx *Tx) error { return tx.DeleteChats(teamA, a.ID) })
	mustRead(t, s, func(tx *Tx) error {
		if _, ok, err := tx.Chat(teamA, "c2"); ok || err != nil {
			t.Error("it is still there", err)
		}
		return nil
	})
}
