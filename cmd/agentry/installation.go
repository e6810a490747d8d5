package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"agentry/internal/app"
	"agentry/internal/config"
	"agentry/internal/live"
	"agentry/internal/resource"
	"agentry/internal/secret"
	"agentry/internal/store"
	"agentry/internal/worker"
)

// installation is an opened data folder: what every command on it works with.
type installation struct {
	config config.Config
	store  *store.Store
	hub    *live.Hub
	app    *app.App
}

// vendors are who is asked for things outside; commands on the local file ask
// nobody.
type vendors struct {
	profiles resource.Profiles
	proxies  resource.Proxies
}

// openInstallation makes the data folder where it is missing and opens it. fatal is
// called when the disk lies about what it kept.
func openInstallation(ctx context.Context, c config.Config, v vendors, log *slog.Logger, fatal func(error)) (*installation, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w", err)
	}
	if err := checkNotLost(c); err != nil {
		return nil, err
	}
	h := &installation{config: c, hub: live.New()}
	err := makePrivate(databaseIn(c.Data))
	if err == nil {
		h.store, err = store.Open(ctx, databaseIn(c.Data), store.Options{Committed: h.hub.Publish, Fatal: fatal, Log: log})
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the database in %s: %w", c.Data, err)
	}
	sealer, created, err := openMasterKey(c.MasterKeyFile)
	if err != nil {
		return nil, errors.Join(err, h.store.Close())
	}
	queue, err := worker.OpenQueue(ctx, h.store, log)
	if err != nil {
		return nil, errors.Join(err, h.store.Close())
	}
	h.app = app.New(app.Config{
		Now:     clock(),
		Version: version,
		Store:   h.store, Hub: h.hub, Sealer: sealer, Kinds: c.Kinds, DefaultKind: c.DefaultKind, Log: log, Disable: c.Disable,
		Jobs: queue, Profiles: v.profiles, Proxies: v.proxies, Scratch: c.Data,
	})
	empty, err := h.app.NeedsFirstRun(ctx)
	if err == nil && created && !empty {
		err = errors.Join(fmt.Errorf("the master key %s is missing, and without it no stored credential can be read: "+
			"put it back from your backup", c.MasterKeyFile), os.Remove(c.MasterKeyFile))
	}
	if err == nil {
		err = h.checkMasterKey(ctx, sealer, empty)
	}
	if err != nil {
		return nil, errors.Join(err, h.store.Close())
	}
	return h, nil
}

func databaseIn(data string) string { return filepath.Join(data, "agentry.db") }

// makePrivate makes a missing file that nobody else may read, whatever the
// folder allows; what the database adds beside it is as private.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// keyCheck names what the folder's own master key alone opens.
const keyCheck = "master_key_check"

// checkMasterKey refuses a key that is not the one the folder began with: it
// would open nothing that is stored, and what it seals would be lost with it.
func (h *installation) checkMasterKey(ctx context.Context, sealer *secret.Sealer, empty bool) error {
	var known string
	err := h.store.Read(ctx, func(tx *store.Tx) (err error) {
		known, err = tx.Meta(keyCheck)
		return err
	})
	if err != nil {
		return err
	}
	sealed, _ := base64.StdEncoding.DecodeString(known)
	if _, err := sealer.OpenDataKey(keyCheck, sealed); err == nil {
		return nil
	}
	if known != "" && !empty {
		return fmt.Errorf("the master key %s is not the one of this data folder: put that back from your backup", h.config.MasterKeyFile)
	}
	sealed, _, err = sealer.NewDataKey(keyCheck)
	if err != nil {
		return err
	}
	return h.store.Write(ctx, func(tx *store.Tx) error {
		return tx.SetMeta(keyCheck, base64.StdEncoding.EncodeToString(sealed))
	})
}

// instance names this installation in this folder. A copy of the folder has
// another name: the programs of the original are not its own to end.
func (h *installation) instance(ctx context.Context) (string, error) {
	name, err := h.app.Instance(ctx)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(h.config.Data)
	if err != nil {
		return "", fmt.Errorf("cannot read the data folder: %w", err)
	}
	at, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", errors.New("the data folder has no number on this system")
	}
	return fmt.Sprintf("%s-%x-%x", name, at.Dev, at.Ino), nil
}

// checkNotLost refuses to begin anew beside a master key that belongs to a
// database that is gone or empty.
func checkNotLost(c config.Config) error {
	if c.MasterKeyFile != filepath.Join(c.Data, "master.key") {
		return nil
	}
	if _, err := os.Stat(c.MasterKeyFile); err != nil {
		return nil
	}
	if info, err := os.Stat(databaseIn(c.Data)); err == nil && info.Size() > 0 {
		return nil
	}
	return fmt.Errorf("%s has a master key but its database is missing or empty: put %s back from your backup, or remove the key to begin anew",
		c.Data, databaseIn(c.Data))
}

func openMasterKey(path string) (*secret.Sealer, bool, error) {
	key, created, err := secret.LoadOrCreateMasterKey(path)
	if err != nil {
		return nil, false, err
	}
	sealer, err := secret.NewSealer(key)
	return sealer, created, err
}

// Close ends the streams and closes the file.
func (h *installation) Close() error {
	h.hub.Close()
	return h.store.Close()
}

// lockFolder makes sure that one server works on a data folder. The lock goes
// with the process, however it ends.
func lockFolder(data string) (release func() error, err error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(data, "agentry.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another agentry server works on %s already; stop it first or give another --data", data)
	}
	return f.Close, nil
}
