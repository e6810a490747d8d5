package secret

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	agentA = "018f7d2e-0000-7000-8000-00000000000a"
	agentB = "018f7d2e-0000-7000-8000-00000000000b"
)

func newSealer(t testing.TB, fill byte) *Sealer {
	t.Helper()
	s, err := NewSealer(bytes.Repeat([]byte{fill}, KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newDataKey(t testing.TB, s *Sealer, agent string) ([]byte, DataKey) {
	t.Helper()
	sealed, key, err := s.NewDataKey(agent)
	if err != nil {
		t.Fatal(err)
	}
	return sealed, key
}

func TestSealedFieldsOpenInTheirPlaceAlone(t *testing.T) {
	_, key := newDataKey(t, newSealer(t, 1), agentA)
	_, other := newDataKey(t, newSealer(t, 1), agentA)
	sealed := key.Seal([]byte("hunter2"), "credentials", "row-1", "password")
	if bytes.Contains(sealed, []byte("hunter2")) {
		t.Fatal("the sealed value holds the plaintext")
	}
	if got, err := key.Open(sealed, "credentials", "row-1", "password"); err != nil || string(got) != "hunter2" {
		t.Fatalf("Open in place = %q, %v", got, err)
	}
	cases := map[string]struct {
		key               DataKey
		table, row, field string
	}{
		"other table":    {key, "alerts", "row-1", "password"},
		"other row":      {key, "credentials", "row-2", "password"},
		"other field":    {key, "credentials", "row-1", "login"},
		"shifted border": {key, "credentialsrow", "-1", "password"},
		"swapped":        {key, "row-1", "credentials", "password"},
		"empty place":    {key, "", "", ""},
		"other key":      {other, "credentials", "row-1", "password"},
		"zero key":       {DataKey{}, "credentials", "row-1", "password"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got, err := c.key.Open(sealed, c.table, c.row, c.field); !errors.Is(err, ErrOpen) || got != nil {
				t.Errorf("Open = %q, %v; want nothing and ErrOpen", got, err)
			}
		})
	}
}

func TestChangedBytesDoNotOpen(t *testing.T) {
	_, key := newDataKey(t, newSealer(t, 1), agentA)
	sealed := key.Seal([]byte("hunter2"), "t", "r", "f")
	for i := range sealed {
		bad := slices.Clone(sealed)
		bad[i] ^= 1
		if _, err := key.Open(bad, "t", "r", "f"); !errors.Is(err, ErrOpen) {
			t.Errorf("byte %d changed: err = %v, want ErrOpen", i, err)
		}
		if _, err := key.Open(sealed[:i], "t", "r", "f"); !errors.Is(err, ErrOpen) {
			t.Errorf("cut to %d bytes: err = %v, want ErrOpen", i, err)
		}
	}
}

func TestSealingTwiceDiffers(t *testing.T) {
	_, key := newDataKey(t, newSealer(t, 1), agentA)
	if bytes.Equal(key.Seal([]byte("x"), "t", "r", "f"), key.Seal([]byte("x"), "t", "r", "f")) {
		t.Error("two seals of one value are equal: the nonce repeats")
	}
}

func TestDataKeysOpenForTheirAgentUnderTheirMaster(t *testing.T) {
	s := newSealer(t, 1)
	sealedKey, key := newDataKey(t, s, agentA)
	sealed := key.Seal([]byte("hunter2"), "t", "r", "f")

	again, err := s.OpenDataKey(agentA, sealedKey)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open(sealed, "t", "r", "f"); err != nil || string(got) != "hunter2" {
		t.Errorf("the reopened data key gives %q, %v", got, err)
	}
	if _, err := s.OpenDataKey(agentB, sealedKey); !errors.Is(err, ErrOpen) {
		t.Errorf("moved to another agent: err = %v, want ErrOpen", err)
	}
	if _, err := newSealer(t, 2).OpenDataKey(agentA, sealedKey); !errors.Is(err, ErrOpen) {
		t.Errorf("under another master key: err = %v, want ErrOpen", err)
	}
	if _, err := s.OpenDataKey(agentA, nil); !errors.Is(err, ErrOpen) {
		t.Errorf("destroyed data key: err = %v, want ErrOpen", err)
	}
}

func TestNewSealerWantsThirtyTwoBytes(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := NewSealer(make([]byte, n)); err == nil {
			t.Errorf("a master key of %d bytes is accepted", n)
		}
	}
}

func TestKeysNeverPrint(t *testing.T) {
	s := newSealer(t, 'K')
	_, key := newDataKey(t, s, agentA)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key, "sealer", s)
	js, err := json.Marshal(map[string]any{"key": key, "sealer": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{s, key, &key, struct{ K DataKey }{key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
			if got := fmt.Sprintf(verb, v); !strings.Contains(got, "[secret]") || strings.Contains(got, "aead") {
				t.Errorf("%s prints %q", verb, got)
			}
		}
	}
	if strings.Count(log.String(), `"[secret]"`) != 2 {
		t.Errorf("log line: %s", log.String())
	}
	if strings.Contains(string(js), "aead") {
		t.Errorf("JSON: %s", js)
	}
}

// What can be read back cannot be the encoding of two lists.
func TestPlacesCanBeReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.String(), 0, 4).Draw(t, "parts")
		rest, ok := bytes.CutPrefix(placeOf(parts...), []byte("agentry\x00"))
		if !ok {
			t.Fatal("the product's mark is missing")
		}
		var got []string
		for len(rest) > 0 {
			size, n := binary.Uvarint(rest)
			if n <= 0 || size > uint64(len(rest)-n) {
				t.Fatalf("%q: no part can be read at %x", parts, rest)
			}
			got = append(got, string(rest[n:n+int(size)]))
			rest = rest[n+int(size):]
		}
		if !slices.Equal(got, parts) {
			t.Fatalf("%q reads back as %q", parts, got)
		}
	})
}

func TestAnyPlaintextComesBack(t *testing.T) {
	_, key := newDataKey(t, newSealer(t, 1), agentA)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		table, row, field := rapid.String().Draw(t, "table"), rapid.String().Draw(t, "row"), rapid.String().Draw(t, "field")
		got, err := key.Open(key.Seal(plain, table, row, field), table, row, field)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("got %x, %v; want %x", got, err, plain)
		}
	})
}
