package fleet

// Limits are how much an agent does a day, per counter.
type Limits struct {
	InvitationsMin int `json:"invitationsMin"`
	InvitationsMax int `json:"invitationsMax"`
	MessagesMin    int `json:"messagesMin"`
	MessagesMax    int `json:"messagesMax"`
}

// LimitsChange is a partial change; nil keeps what is.
type LimitsChange struct {
	InvitationsMin *int `json:"invitationsMin"`
	InvitationsMax *int `json:"invitationsMax"`
	MessagesMin    *int `json:"messagesMin"`
	MessagesMax    *int `json:"messagesMax"`
}

// DefaultLimits hold until somebody sets others.
func DefaultLimits() Limits {
	return Limits{InvitationsMin: 5, InvitationsMax: 20, MessagesMin: 10, MessagesMax: 25}
}

// Apply lays the change over the limits and checks the result: invitations 1
// to 100 (the maximum from 2), messages 1 to 500 (the maximum from 2), and no
// minimum over its maximum.
func (l Limits) Apply(c LimitsChange) (Limits, error) {
	for _, f := range []struct {
		name      string
		to        *int
		from      *int
		low, high int
	}{
		{"limits.invitationsMin", &l.InvitationsMin, c.InvitationsMin, 1, 100},
		{"limits.invitationsMax", &l.InvitationsMax, c.InvitationsMax, 2, 100},
		{"limits.messagesMin", &l.MessagesMin, c.MessagesMin, 1, 500},
		{"limits.messagesMax", &l.MessagesMax, c.MessagesMax, 2, 500},
	} {
		if f.from == nil {
			continue
		}
		if *f.from < f.low || *f.from > f.high {
			return l, Invalid(f.name, "must be between %d and %d", f.low, f.high)
		}
		*f.to = *f.from
	}
	if l.InvitationsMin > l.InvitationsMax {
		return l, Invalid("limits.invitationsMin", "must not be over invitationsMax (%d)", l.InvitationsMax)
	}
	if l.MessagesMin > l.MessagesMax {
		return l, Invalid("limits.messagesMin", "must not be over messagesMax (%d)", l.MessagesMax)
	}
	return l, nil
}

// Of returns the minimum and maximum a day of a counter, UsageMessages or
// UsageInvitations.
func (l Limits) Of(counter string) (least, most int64) {
	if counter == UsageInvitations {
		return int64(l.InvitationsMin), int64(l.InvitationsMax)
	}
	return int64(l.MessagesMin), int64(l.MessagesMax)
}
