package fleet

import (
	"iter"
	"time"
)

// Span is a time from an instant, included, to another, not included.
type Span struct{ From, To time.Time }

// DayStart is the first instant of the calendar day of the agent's zone that
// the instant lies in. That is not midnight where the clock skips it.
func (w WorkingHours) DayStart(at time.Time) time.Time {
	loc := w.Location()
	day := dayNumber(at.In(loc))
	for s := range stretches(at.Add(-aroundDay), loc) {
		if s.day == day || s.start.After(at) {
			return s.start
		}
	}
	return at // not reached: the stretches do not end
}

// NextDay is the first instant behind at that lies in a later calendar day of
// the agent's zone. It may be two days later: zones have skipped whole days.
func (w WorkingHours) NextDay(at time.Time) time.Time {
	loc := w.Location()
	day := dayNumber(at.In(loc))
	for s := range stretches(at, loc) {
		if s.day > day {
			return s.start
		}
	}
	return at // not reached: the stretches do not end
}

// OpenSpans are the times of the calendar day of the instant in which the
// hours are open, in order and apart from each other.
func (w WorkingHours) OpenSpans(at time.Time) (spans []Span) {
	loc := w.Location()
	day := dayNumber(at.In(loc))
	// 1 January 1970 was a Thursday.
	windows, n := w.windows(int(((day+3)%7 + 7) % 7))
	if n == 0 {
		return nil
	}
	for s := range stretches(at.Add(-aroundDay), loc) {
		if s.start.After(at.Add(aroundDay)) {
			break
		}
		if s.day != day {
			continue
		}
		for _, open := range windows[:n] {
			from := later(s.start, s.midnight.Add(time.Duration(open.from)*time.Minute))
			to := s.midnight.Add(time.Duration(open.to) * time.Minute)
			if s.end.Before(to) {
				to = s.end
			}
			if last := len(spans) - 1; last >= 0 && spans[last].To.Equal(from) && from.Before(to) {
				spans[last].To = to
			} else if from.Before(to) {
				spans = append(spans, Span{from, to})
			}
		}
	}
	return spans
}

// aroundDay is more than any calendar day lasts, with the clock set back in it.
const aroundDay = 50 * time.Hour

// stretch is a time in which the local day and the offset from UTC stay, so
// that the wall clock runs straight.
type stretch struct {
	start, end time.Time
	// midnight is when its wall clock would have shown 00:00 of its day.
	midnight time.Time
	day      int64
}

// stretches yields the stretches from an instant on, without an end.
func stretches(at time.Time, loc *time.Location) iter.Seq[stretch] {
	return func(yield func(stretch) bool) {
		for {
			local := at.In(loc)
			_, offset := local.Zone()
			s := stretch{start: at, day: dayNumber(local)}
			s.midnight = time.Unix(s.day*secondsADay-int64(offset), 0)
			s.end = s.midnight.Add(24 * time.Hour)
			if _, change := local.ZoneBounds(); !change.IsZero() && change.Before(s.end) {
				s.end = change
			}
			if !yield(s) {
				return
			}
			at = s.end
		}
	}
}

const secondsADay = 24 * 60 * 60

// dayNumber counts the calendar days of a local time since 1 January 1970.
func dayNumber(local time.Time) int64 {
	_, offset := local.Zone()
	seconds := local.Unix() + int64(offset)
	day := seconds / secondsADay
	if seconds%secondsADay < 0 {
		day--
	}
	return day
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
