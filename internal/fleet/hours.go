package fleet

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones must not depend on the machine having them
)

// WorkingHours are a weekly window in an agent's own time zone.
type WorkingHours struct {
	// Days has seven flags, Monday first: "1:1:1:1:1:0:0".
	Days string `json:"days"`
	// Start and Stop are "HH:MM", 24 hours. Stop before Start means the next
	// morning; both equal means the whole day.
	Start string `json:"start"`
	Stop  string `json:"stop"`
	// Timezone is an IANA name.
	Timezone string `json:"timezone"`
}

// HoursChange is a partial change; nil keeps what is.
type HoursChange struct {
	Days     *string
	Start    *string
	Stop     *string
	Timezone *string
}

// DefaultHours hold until somebody sets others.
func DefaultHours() WorkingHours {
	return WorkingHours{Days: "1:1:1:1:1:0:0", Start: "09:00", Stop: "17:00", Timezone: "UTC"}
}

// OffsetZone is the IANA name for a whole offset from UTC in hours, positive
// to the east; ok is false outside -12 to 14. The names count the other way.
func OffsetZone(hours int) (name string, ok bool) {
	switch {
	case hours < -12 || hours > 14:
		return "", false
	case hours == 0:
		return "Etc/GMT", true
	}
	return fmt.Sprintf("Etc/GMT%+d", -hours), true
}

// Apply lays the change over the hours and checks the result.
func (w WorkingHours) Apply(c HoursChange) (WorkingHours, error) {
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&w.Days, c.Days)
	set(&w.Start, c.Start)
	set(&w.Stop, c.Stop)
	set(&w.Timezone, c.Timezone)
	return w, w.check()
}

func (w WorkingHours) check() error {
	if _, ok := parseDays(w.Days); !ok {
		return Invalid("workingHours.days", `must be seven 0 or 1, Monday first, such as "1:1:1:1:1:0:0"`)
	}
	if _, ok := parseClock(w.Start); !ok {
		return Invalid("workingHours.start", `must be a time such as "09:00"`)
	}
	if _, ok := parseClock(w.Stop); !ok {
		return Invalid("workingHours.stop", `must be a time such as "17:00"`)
	}
	if _, err := LoadZone(w.Timezone); err != nil {
		return Invalid("workingHours.timezone", `must be an IANA time zone such as "Europe/Paris"`)
	}
	return nil
}

// Location returns the zone; UTC when the name is unknown on this machine.
func (w WorkingHours) Location() *time.Location {
	loc, err := LoadZone(w.Timezone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// Day is the calendar day at the instant in the agent's zone, "2006-01-02".
func (w WorkingHours) Day(at time.Time) string {
	return at.In(w.Location()).Format(time.DateOnly)
}

// Open tells whether the instant lies inside the hours. It reads the wall
// clock of the zone, so a repeated hour is open twice and a skipped one never.
func (w WorkingHours) Open(at time.Time) bool {
	local := at.In(w.Location())
	clock := local.Hour()*60 + local.Minute()
	open, n := w.windows((int(local.Weekday()) + 6) % 7)
	for _, window := range open[:n] {
		if window.from <= clock && clock < window.to {
			return true
		}
	}
	return false
}

// window is a part of one day, in minutes of its wall clock.
type window struct{ from, to int }

// windows are the n parts of a day of the week, 0 is Monday, that are open.
func (w WorkingHours) windows(today int) (open [2]window, n int) {
	days, ok := parseDays(w.Days)
	start, ok1 := parseClock(w.Start)
	stop, ok2 := parseClock(w.Stop)
	if !ok || !ok1 || !ok2 {
		return open, 0
	}
	if start < stop {
		if days[today] {
			open[0], n = window{start, stop}, 1
		}
		return open, n
	}
	if days[(today+6)%7] && stop > 0 {
		open[0], n = window{0, stop}, 1
	}
	if days[today] {
		open[n] = window{start, minutesADay}
		n++
	}
	return open, n
}

const minutesADay = 24 * 60

// NextOpen is the instant itself where it lies inside the hours, else the next
// at which they open; ok is false when no day is on.
func (w WorkingHours) NextOpen(at time.Time) (next time.Time, ok bool) {
	loc := w.Location()
	// Between two changes of the zone's offset the wall clock runs straight; a
	// change may open the hours by itself, when it skips or repeats their start.
	for range maxZoneChanges {
		if w.Open(at) {
			return at, true
		}
		next, ok = w.nextStart(at.In(loc))
		if !ok {
			return time.Time{}, false
		}
		_, change := at.In(loc).ZoneBounds()
		if change.IsZero() || next.Before(change) {
			return next, true
		}
		at = change
	}
	return time.Time{}, false
}

// maxZoneChanges is far more than lie between two openings anywhere.
const maxZoneChanges = 50

// nextStart is when the hours begin next after the local time, if its offset
// from UTC holds.
func (w WorkingHours) nextStart(local time.Time) (time.Time, bool) {
	days, ok := parseDays(w.Days)
	start, ok1 := parseClock(w.Start)
	if !ok || !ok1 {
		return time.Time{}, false
	}
	sinceMidnight := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute +
		time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
	today := (int(local.Weekday()) + 6) % 7
	for i := range 8 {
		in := time.Duration(i)*24*time.Hour + time.Duration(start)*time.Minute - sinceMidnight
		if days[(today+i)%7] && in > 0 {
			return local.Add(in), true
		}
	}
	return time.Time{}, false
}

func parseDays(s string) (days [7]bool, ok bool) {
	if len(s) != 2*len(days)-1 {
		return days, false
	}
	for i := range s {
		switch flag := i%2 == 0; {
		case flag && (s[i] == '0' || s[i] == '1'):
			days[i/2] = s[i] == '1'
		case flag || s[i] != ':':
			return days, false
		}
	}
	return days, true
}

// parseClock returns minutes since midnight.
func parseClock(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, err1 := strconv.ParseUint(s[:2], 10, 8)
	m, err2 := strconv.ParseUint(s[3:], 10, 8)
	if err1 != nil || err2 != nil || h > 23 || m > 59 {
		return 0, false
	}
	return int(h)*60 + int(m), true
}

// zones remembers what LoadZone read: reading costs 18 µs, and a list of agents
// asks hundreds of times. It holds only names of the database, so it is bounded.
var zones sync.Map

// ianaName is the shape of a zone's name. It leaves out spellings that only
// the file system understands ("Europe//Paris", "./UTC").
var ianaName = regexp.MustCompile(`^[A-Za-z0-9+_-]{1,20}(/[A-Za-z0-9+_-]{1,20}){0,2}$`)

// LoadZone returns the time zone of an IANA name. It refuses what only names one
// on this machine, such as Local.
func LoadZone(name string) (*time.Location, error) {
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location), nil
	}
	first, _, _ := strings.Cut(name, "/")
	switch first {
	case "Local", "localtime", "posixrules", "posix", "right":
		return nil, fmt.Errorf("no time zone %q", name)
	}
	if !ianaName.MatchString(name) {
		return nil, fmt.Errorf("no time zone %q", name)
	}
	loc, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, loc)
	}
	return loc, err
}
