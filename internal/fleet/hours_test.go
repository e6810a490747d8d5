package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"agentry/internal/fleet"
)

// zones change their clocks in every way there is: by an hour, by half an
// hour, by two, at midnight, in Ramadan, or not at all.
var zones = []string{
	"UTC", "Europe/Paris", "Europe/London", "America/New_York", "America/St_Johns", "America/Santiago", "America/Havana",
	"America/Sao_Paulo", "Australia/Lord_Howe", "Australia/Sydney", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Beirut",
	"Africa/Casablanca", "Africa/Cairo", "Atlantic/Azores", "Antarctica/Troll", "Pacific/Apia", "Pacific/Kiritimati", "Etc/GMT+12",
}

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// openByClock is the rule as a person reads it off a wall clock and a
// calendar, in words and without the code's arithmetic.
func openByClock(w fleet.WorkingHours, loc *time.Location, at time.Time) bool {
	local := at.In(loc)
	clock := local.Format("15:04")
	on := func(d time.Weekday) bool {
		return strings.Split(w.Days, ":")[map[time.Weekday]int{
			time.Monday: 0, time.Tuesday: 1, time.Wednesday: 2, time.Thursday: 3, time.Friday: 4, time.Saturday: 5, time.Sunday: 6,
		}[d]] == "1"
	}
	today, before := local.Weekday(), time.Date(local.Year(), local.Month(), local.Day()-1, 12, 0, 0, 0, time.UTC).Weekday()
	if w.Start < w.Stop {
		return on(today) && w.Start <= clock && clock < w.Stop
	}
	return on(today) && clock >= w.Start || on(before) && clock < w.Stop
}

func drawHours(t *rapid.T) fleet.WorkingHours {
	var days []string
	for i := range 7 {
		days = append(days, rapid.SampledFrom([]string{"0", "1", "1"}).Draw(t, fmt.Sprint("day", i)))
	}
	clock := func(label string) string {
		if rapid.Bool().Draw(t, label+" near a change") {
			return rapid.SampledFrom([]string{"00:00", "00:30", "01:00", "01:30", "01:59", "02:00", "02:15", "02:30", "03:00", "23:00", "23:59"}).Draw(t, label)
		}
		return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, label+"h"), rapid.IntRange(0, 59).Draw(t, label+"m"))
	}
	return fleet.WorkingHours{
		Days: strings.Join(days, ":"), Start: clock("start"), Stop: clock("stop"), Timezone: rapid.SampledFrom(zones).Draw(t, "zone"),
	}
}

// drawInstant is often close to a change of the zone's clock.
func drawInstant(t *rapid.T, loc *time.Location) time.Time {
	at := time.Unix(rapid.Int64Range(1_262_304_000, 1_893_456_000).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(loc)
	if _, change := at.ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
		at = change.Add(time.Duration(rapid.Int64Range(-30*3600, 30*3600).Draw(t, "off")) * time.Second)
	}
	return at
}

func TestHoursAreReadOffTheWallClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawHours(t)
		loc := zone(t, w.Timezone)
		at := drawInstant(t, loc)
		if got, want := w.Open(at), openByClock(w, loc, at); got != want {
			t.Fatalf("%+v at %s: open %v, want %v", w, at.In(loc), got, want)
		}
	})
}

func TestNextOpenIsTheFirstOpenMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawHours(t)
		loc := zone(t, w.Timezone)
		at := drawInstant(t, loc)
		next, ok := w.NextOpen(at)
		if !ok {
			for m := at; m.Before(at.Add(15 * 24 * time.Hour)); m = m.Add(time.Minute) {
				if openByClock(w, loc, m) {
					t.Fatalf("%+v from %s: no opening, but %s is open", w, at.In(loc), m.In(loc))
				}
			}
			return
		}
		switch {
		case next.Before(at):
			t.Fatalf("%+v from %s: %s is before", w, at.In(loc), next.In(loc))
		case !w.Open(next) || !openByClock(w, loc, next):
			t.Fatalf("%+v from %s: %s is not open", w, at.In(loc), next.In(loc))
		case !next.Equal(at) && openByClock(w, loc, at):
			t.Fatalf("%+v is open at %s, yet NextOpen says %s", w, at.In(loc), next.In(loc))
		case !next.Equal(at) && next.Truncate(time.Minute) != next.Truncate(0):
			t.Fatalf("%+v from %s: %s is not a whole minute", w, at.In(loc), next.In(loc))
		}
		for m := at; m.Before(next); m = m.Truncate(time.Minute).Add(time.Minute) {
			if m.Before(next) && openByClock(w, loc, m) {
				t.Fatalf("%+v from %s: next is %s, but %s is open", w, at.In(loc), next.In(loc), m.In(loc))
			}
		}
	})
}

func TestHoursEndOnTheSecond(t *testing.T) {
	w := fleet.DefaultHours()
	for _, c := range []struct {
		at   string // of Wednesday
		open bool
	}{
		{"08:59:59.999999", false}, {"09:00:00", true}, {"12:00:00", true}, {"16:59:59", true}, {"16:59:59.999999", true},
		{"17:00:00", false}, {"17:00:01", false},
	} {
		for _, name := range zones {
			w.Timezone = name
			at, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-01-14 "+c.at, zone(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if w.Open(at) != c.open {
				t.Errorf("%s %s: open %v, want %v", c.at, name, !c.open, c.open)
			}
		}
	}
}

// The nights on which a clock skips or repeats an hour, by hand.
func TestHoursOnNightsOfAChange(t *testing.T) {
	for _, c := range []struct {
		about, zone, days, start, stop, from, next string
		never                                      bool
	}{
		{about: "a skipped start opens with the first minute there is", zone: "Europe/Paris", days: "0:0:0:0:0:0:1", start: "02:30", stop: "05:00",
			from: "2026-03-28T12:00:00Z", next: "2026-03-29T01:00:00Z"}, // 03:00 CEST
		{about: "a window inside the skipped hour waits a week", zone: "Europe/Paris", days: "0:0:0:0:0:0:1", start: "02:10", stop: "02:50",
			from: "2026-03-28T12:00:00Z", next: "2026-04-05T00:10:00Z"},
		{about: "a repeated hour opens again", zone: "America/New_York", days: "1:1:1:1:1:1:1", start: "01:00", stop: "01:30",
			from: "2026-11-01T05:40:00Z", next: "2026-11-01T06:00:00Z"}, // 01:40 EDT to 01:00 EST
		{about: "and a window that was cut by the repeat opens again", zone: "America/New_York", days: "1:1:1:1:1:1:1", start: "01:30", stop: "02:30",
			from: "2026-11-01T06:00:00Z", next: "2026-11-01T06:30:00Z"},
		{about: "Lord Howe moves by half an hour", zone: "Australia/Lord_Howe", days: "1:1:1:1:1:1:1", start: "02:10", stop: "03:00",
			from: "2026-10-03T15:00:00Z", next: "2026-10-03T15:30:00Z"}, // 01:30 +10:30 to 02:30 +11
		{about: "Santiago skips midnight", zone: "America/Santiago", days: "0:0:0:0:0:0:1", start: "00:15", stop: "08:00",
			from: "2026-09-05T12:00:00Z", next: "2026-09-06T04:00:00Z"}, // 01:00 -03
		{about: "overnight hours belong to the evening", zone: "Asia/Kathmandu", days: "0:0:0:0:1:0:0", start: "22:00", stop: "06:00",
			from: "2026-01-17T00:16:00Z", next: "2026-01-23T16:15:00Z"}, // Saturday 06:01 to Friday 22:00 +05:45
		{about: "all day", zone: "UTC", days: "0:0:1:0:0:0:0", start: "00:00", stop: "00:00",
			from: "2026-01-15T00:00:00Z", next: "2026-01-21T00:00:00Z"},
		{about: "no day", zone: "UTC", days: "0:0:0:0:0:0:0", start: "09:00", stop: "17:00", from: "2026-01-15T00:00:00Z", never: true},
	} {
		w := fleet.WorkingHours{Days: c.days, Start: c.start, Stop: c.stop, Timezone: c.zone}
		next, ok := w.NextOpen(instant(t, c.from))
		if ok == c.never || ok && !next.Equal(instant(t, c.next)) {
			t.Errorf("%s: %s, %v; want %s", c.about, next.UTC().Format(time.RFC3339), ok, c.next)
		}
	}
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestHoursApply(t *testing.T) {
	p := func(s string) *string { return &s }
	for _, c := range []struct {
		change fleet.HoursChange
		want   fleet.WorkingHours
		field  string
	}{
		{fleet.HoursChange{}, fleet.DefaultHours(), ""},
		{fleet.HoursChange{Timezone: p("Asia/Kathmandu")}, fleet.WorkingHours{Days: "1:1:1:1:1:0:0", Start: "09:00", Stop: "17:00", Timezone: "Asia/Kathmandu"}, ""},
		{fleet.HoursChange{Days: p("0:0:0:0:0:0:0"), Start: p("22:00"), Stop: p("06:00")}, fleet.WorkingHours{Days: "0:0:0:0:0:0:0", Start: "22:00", Stop: "06:00", Timezone: "UTC"}, ""},
		{fleet.HoursChange{Timezone: p("America/Argentina/ComodRivadavia")}, fleet.WorkingHours{Days: "1:1:1:1:1:0:0", Start: "09:00", Stop: "17:00", Timezone: "America/Argentina/ComodRivadavia"}, ""},
		{change: fleet.HoursChange{Days: p("1:1:1:1:1:0")}, field: "workingHours.days"},
		{change: fleet.HoursChange{Days: p("1:1:1:1:1:0:0:0")}, field: "workingHours.days"},
		{change: fleet.HoursChange{Days: p("1:1:1:1:1:0:2")}, field: "workingHours.days"},
		{change: fleet.HoursChange{Days: p("")}, field: "workingHours.days"},
		{change: fleet.HoursChange{Start: p("24:00")}, field: "workingHours.start"},
		{change: fleet.HoursChange{Start: p("9:00")}, field: "workingHours.start"},
		{change: fleet.HoursChange{Start: p("+9:00")}, field: "workingHours.start"},
		{change: fleet.HoursChange{Stop: p("17:60")}, field: "workingHours.stop"},
		{change: fleet.HoursChange{Stop: p("17:00:00")}, field: "workingHours.stop"},
		{change: fleet.HoursChange{Timezone: p("")}, field: "workingHours.timezone"},
		{change: fleet.HoursChange{Timezone: p("Local")}, field: "workingHours.timezone"},
		{change: fleet.HoursChange{Timezone: p("Europe/Atlantis")}, field: "workingHours.timezone"},
		{change: fleet.HoursChange{Timezone: p("../../etc/passwd")}, field: "workingHours.timezone"},
		{change: fleet.HoursChange{Timezone: p("Europe//Paris")}, field: "workingHours.timezone"},
		{change: fleet.HoursChange{Timezone: p("./Europe/Paris")}, field: "workingHours.timezone"},
		{change: fleet.HoursChange{Timezone: p("right/Europe/Paris")}, field: "workingHours.timezone"},
		{change: fleet.HoursChange{Timezone: p("posixrules")}, field: "workingHours.timezone"},
	} {
		got, err := fleet.DefaultHours().Apply(c.change)
		if c.field == "" {
			if err != nil || got != c.want {
				t.Errorf("%+v: %+v, %v", c.change, got, err)
			}
			continue
		}
		wantField(t, err, c.field)
	}
}

func TestOffsetZone(t *testing.T) {
	for hours := -13; hours <= 15; hours++ {
		name, ok := fleet.OffsetZone(hours)
		if want := hours >= -12 && hours <= 14; ok != want {
			t.Errorf("%d: %q, %v", hours, name, ok)
		}
		if !ok {
			continue
		}
		if _, offset := time.Unix(0, 0).In(zone(t, name)).Zone(); offset != hours*3600 {
			t.Errorf("%d is %s, which is %d s from UTC", hours, name, offset)
		}
	}
}

func TestUnknownZoneIsUTC(t *testing.T) {
	w := fleet.WorkingHours{Timezone: "Mars/Olympus"}
	if w.Location() != time.UTC || w.Day(instant(t, "2026-01-01T23:59:59Z")) != "2026-01-01" {
		t.Error(w.Location())
	}
	if w.Timezone = "Pacific/Kiritimati"; w.Day(instant(t, "2026-01-01T23:59:59Z")) != "2026-01-02" {
		t.Error(w.Day(instant(t, "2026-01-01T23:59:59Z")))
	}
}
