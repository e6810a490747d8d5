package secret

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func TestPasswordHashIsPHCAndVerifies(t *testing.T) {
	p := NewPasswords()
	hash, err := p.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("hash = %q, want the PHC string of argon2id with m=19456,t=2,p=1", hash)
	}
	again, err := p.Hash(t.Context(), "correct horse")
	if err != nil || again == hash {
		t.Fatalf("two hashes of one password are equal (err %v): the salt is not fresh", err)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false, "correct horse ": false} {
		if got, err := p.Verify(t.Context(), hash, password); err != nil || got != want {
			t.Errorf("Verify(%q) = %v, %v; want %v", password, got, err, want)
		}
	}
	if err := p.VerifyNobody(t.Context(), "correct horse"); err != nil {
		t.Errorf("VerifyNobody: %v", err)
	}
}

func TestPasswordsDifferPast72Bytes(t *testing.T) {
	p := NewPasswords()
	long := strings.Repeat("a", 100)
	hash, err := p.Hash(t.Context(), long+"x")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := p.Verify(t.Context(), hash, long+"y"); ok {
		t.Error("passwords that differ after 100 bytes are taken as equal")
	}
}

// The hash is the argon2 reference program's:
// printf password | argon2 somesalt -id -t 2 -k 256 -p 1 -l 32 -e
func TestVerifyAcceptsTheReferenceVector(t *testing.T) {
	const vector = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if ok, err := NewPasswords().Verify(t.Context(), vector, "password"); err != nil || !ok {
		t.Errorf("Verify = %v, %v; want true", ok, err)
	}
}

func TestVerifyRefusesMalformedHashes(t *testing.T) {
	const salt, key = "c29tZXNhbHQ", "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	cases := map[string]string{
		"empty":            "",
		"bcrypt":           "$2a$10$abcdefghijklmnopqrstuv",
		"other variant":    "$argon2i$v=19$m=256,t=2,p=1$" + salt + "$" + key,
		"other version":    "$argon2id$v=16$m=256,t=2,p=1$" + salt + "$" + key,
		"no lanes":         "$argon2id$v=19$m=256,t=2$" + salt + "$" + key,
		"rest after lanes": "$argon2id$v=19$m=256,t=2,p=1,x=1$" + salt + "$" + key,
		"huge memory":      "$argon2id$v=19$m=4194304,t=2,p=1$" + salt + "$" + key,
		"huge time":        "$argon2id$v=19$m=256,t=4000,p=1$" + salt + "$" + key,
		"zero time":        "$argon2id$v=19$m=256,t=0,p=1$" + salt + "$" + key,
		"no key":           "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$",
		"short key":        "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$nf65EOg",
		"padded salt":      "$argon2id$v=19$m=256,t=2,p=1$" + salt + "=$" + key,
	}
	p := NewPasswords()
	for name, hash := range cases {
		t.Run(name, func(t *testing.T) {
			if ok, err := p.Verify(t.Context(), hash, "password"); ok || !errors.Is(err, ErrPasswordHash) {
				t.Errorf("Verify = %v, %v; want false, ErrPasswordHash", ok, err)
			}
		})
	}
}

func TestAtMostTwoPasswordComputationsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPasswords()
		for range maxComputations {
			p.slots <- struct{}{}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		errs := make([]error, 3)
		wg.Go(func() { _, errs[0] = p.Hash(ctx, "x") })
		wg.Go(func() {
			_, errs[1] = p.Verify(ctx, "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "x")
		})
		wg.Go(func() { errs[2] = p.VerifyNobody(ctx, "x") })
		synctest.Wait()
		cancel()
		wg.Wait()
		for i, err := range errs {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("call %d with both slots taken returned %v, want to wait until cancelled", i, err)
			}
		}
		<-p.slots
		if _, err := p.Hash(t.Context(), "x"); err != nil {
			t.Errorf("Hash with one slot free: %v", err)
		}
		if len(p.slots) != 1 {
			t.Errorf("%d slots taken after the computation, want 1", len(p.slots))
		}
	})
}
