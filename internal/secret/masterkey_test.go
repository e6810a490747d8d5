package secret

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestMasterKeyIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	key, created, err := LoadOrCreateMasterKey(path)
	if err != nil || !created || len(key) != KeyBytes {
		t.Fatalf("first call: %d bytes, created %v, %v", len(key), created, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("the file has mode %v (%v), want 0600", info.Mode(), err)
	}
	again, created, err := LoadOrCreateMasterKey(path)
	if err != nil || created || !bytes.Equal(again, key) {
		t.Errorf("second call: same key %v, created %v, %v", bytes.Equal(again, key), created, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v (%v), want the key alone", left, err)
	}
}

func TestMasterKeyIsOneForAllCreators(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	keys := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], _, err = LoadOrCreateMasterKey(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range keys[1:] {
		if !bytes.Equal(k, keys[0]) {
			t.Fatal("two creators at once got different keys")
		}
	}
}

func TestMasterKeyFileIsRefused(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, KeyBytes))
	cases := map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"group may read":  {good, 0o640, "chmod 600"},
		"world may read":  {good, 0o604, "chmod 600"},
		"world may write": {good, 0o602, "chmod 600"},
		"empty":           {"", 0o600, "malformed"},
		"short":           {base64.StdEncoding.EncodeToString([]byte("short")), 0o600, "malformed"},
		"not base64":      {strings.Repeat("!", 44), 0o600, "malformed"},
		"two lines":       {good + "\n" + good, 0o600, "malformed"},
		"very long":       {strings.Repeat(good, 100), 0o600, "malformed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "master.key")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			for _, load := range []func(string) ([]byte, error){LoadMasterKey, func(p string) ([]byte, error) {
				k, _, err := LoadOrCreateMasterKey(p)
				return k, err
			}} {
				key, err := load(path)
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || key != nil {
					t.Errorf("key %v, error %v; want none and one with %q and the path", key, err, c.want)
				}
				if err != nil && c.text != "" && strings.Contains(err.Error(), c.text) {
					t.Error("the error shows the key")
				}
			}
			if after, _ := os.ReadFile(path); string(after) != c.text {
				t.Error("a refused file was changed")
			}
		})
	}
}

func TestMasterKeyIsNotMadeWhereOneMustExist(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := LoadMasterKey(path); err == nil {
		t.Error("LoadMasterKey of an absent file succeeds")
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("LoadMasterKey left a file: %v", err)
	}
	if _, err := LoadMasterKey(filepath.Dir(path)); err == nil {
		t.Error("a folder is taken for a key file")
	}
	if _, _, err := LoadOrCreateMasterKey(filepath.Join(filepath.Dir(path), "absent", "master.key")); err == nil {
		t.Error("a key in an absent folder is reported as made")
	}
}
