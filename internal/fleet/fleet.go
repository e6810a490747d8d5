// Package fleet holds the nouns of the product and their rules: what an agent
// is, which moves its lifecycle has, what input is valid, who may do what. It
// uses the standard library only and does no I/O; time is always a parameter.
package fleet

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"sync/atomic"
	"time"
)

// Identifiers are lower-case UUIDs (version 7 when made here).
type (
	// TeamID names a tenant; everything belongs to exactly one.
	TeamID string
	// AgentID names an agent for life, also across relaunches.
	AgentID string
	// UserID names a person, who may be a member of several teams.
	UserID string
)

// NewID makes a UUID version 7 (RFC 9562) from the given time, to a quarter of
// a microsecond (section 6.2, method 3), and 62 random bits, so that ids made
// later sort later.
func NewID(at time.Time) string { return newID(ticks(at)) }

// ticks are the 60 bits of time of an id: milliseconds and 4096ths of one.
func ticks(at time.Time) uint64 {
	return uint64(at.UnixMilli())<<12 | uint64(at.UnixNano()%1e6*4096/1e6)
}

func newID(ticks uint64) string {
	var b [16]byte
	rand.Read(b[:])
	binary.BigEndian.PutUint64(b[:8], ticks>>12<<16|0x7000|ticks&0xfff)
	b[8] = 0x80 | b[8]&0x3f
	return formatUUID(b)
}

// derivedID makes a UUID version 8 (RFC 9562) of a name, the same each time.
func derivedID(name string) string {
	sum := sha256.Sum256([]byte(name))
	b := [16]byte(sum[:16])
	b[6], b[8] = 0x80|b[6]&0x0f, 0x80|b[8]&0x3f
	return formatUUID(b)
}

// IDs makes ids as NewID does, but each sorts behind all it made before, also
// when the clock was set back: lists that are paged by id keep the order in
// which things came. The zero value is ready; it is safe for concurrent use.
type IDs struct{ last atomic.Uint64 }

// New makes an id from the given time, or just behind the last one's.
func (g *IDs) New(at time.Time) string {
	for {
		last := g.last.Load()
		next := max(ticks(at), last+1)
		if g.last.CompareAndSwap(last, next) {
			return newID(next)
		}
	}
}

func formatUUID(b [16]byte) string {
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// ParseID accepts any 8-4-4-4-12 hexadecimal id in any case and returns it in
// lower case; ok is false for everything else.
func ParseID(s string) (id string, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return "", false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			continue
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return "", false
		}
	}
	return strings.ToLower(s), true
}

// Team is a tenant.
type Team struct {
	ID        TeamID
	Name      string
	CreatedAt time.Time
	// Pause is set while the whole team is paused.
	Pause *TeamPause
}

// TeamPause says who paused the whole team, when and why.
type TeamPause struct {
	By, Note string
	At       time.Time
}

// String is the sentence for a person: "The team is paused by Ann: note".
func (p TeamPause) String() string {
	s := "The team is paused"
	if p.By != "" {
		s += " by " + p.By
	}
	if p.Note != "" {
		s += ": " + p.Note
	}
	return s
}
