package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxKeyFile is more than any well-formed key file holds.
const maxKeyFile = 1024

// LoadMasterKey returns the 32 bytes of the key file at path: one line of
// standard base64. It refuses, with a sentence for the person who hosts, a file
// that others may read or change, or that is malformed.
func LoadMasterKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the master key file cannot be opened: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("the master key file cannot be read: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the master key %s is not a regular file", path)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return nil, fmt.Errorf("the master key file %s may be read or changed by others (mode %04o): run chmod 600 %s", path, perm, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("the master key file cannot be read: %w", err)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != KeyBytes {
		return nil, fmt.Errorf("the master key file %s is malformed: it must hold %d random bytes in base64 on one line; restore it from your backup of the key", path, KeyBytes)
	}
	return key, nil
}

// LoadOrCreateMasterKey is LoadMasterKey, but makes the file with a fresh key
// (mode 0600, in a folder that must exist) where there is none. created tells
// that it did; callers that already hold sealed values must then stop, for
// those will never open again. Of several callers at once, all get one key.
func LoadOrCreateMasterKey(path string) (key []byte, created bool, err error) {
	if _, err = os.Stat(path); err == nil {
		key, err = LoadMasterKey(path)
		return key, false, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, fmt.Errorf("the master key file cannot be read: %w", err)
	}
	key = make([]byte, KeyBytes)
	rand.Read(key)
	err = writeOnce(path, base64.StdEncoding.EncodeToString(key)+"\n")
	if errors.Is(err, fs.ErrExist) {
		key, err = LoadMasterKey(path)
		return key, false, err
	}
	if err != nil {
		return nil, false, fmt.Errorf("the master key file cannot be created: %w", err)
	}
	return key, true, nil
}

// writeOnce puts a synced file at path with nothing between absent and whole:
// a crash must not leave half a key, nor a key that is used but not on disk.
// It returns fs.ErrExist when there is one already.
func writeOnce(path, text string) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".master-key-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(text)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
