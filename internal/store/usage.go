package store

import (
	"database/sql"

	"agentry/internal/fleet"
)

// AddUsage counts n of a kind on a day of the agent's zone, which is from then
// on the present one.
func (tx *Tx) AddUsage(id fleet.AgentID, day, kind string, incarnation int, n int64) error {
	if err := tx.run(`INSERT INTO usage_days (agent_id, day, kind, incarnation, n) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (agent_id, day, kind, incarnation) DO UPDATE SET n = usage_days.n + excluded.n`, id, day, kind, incarnation, n); err != nil {
		return err
	}
	var invitations, messages int64
	switch kind {
	case fleet.UsageInvitations:
		invitations = n
	case fleet.UsageMessages:
		messages = n
	default:
		return nil
	}
	if tx.counted == nil {
		tx.counted = map[fleet.AgentID]string{}
	}
	tx.counted[id] = max(tx.counted[id], day)
	return tx.run(`UPDATE runtimes SET total_invitations = total_invitations + $1, total_messages = total_messages + $4,
			today_invitations = CASE WHEN today = $2 THEN today_invitations + $1 ELSE `+usedOn("invitations")+` END,
			today_messages = CASE WHEN today = $2 THEN today_messages + $4 ELSE `+usedOn("messages")+` END,
			today = $2
		WHERE agent_id = $3`, invitations, day, id, messages)
}

// UsageKinds returns what was counted of the agent on a day.
func (tx *Tx) UsageKinds(id fleet.AgentID, day string) (kinds []string, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var kind string
		err := rows.Scan(&kind)
		kinds = append(kinds, kind)
		return err
	}, `SELECT DISTINCT kind FROM usage_days WHERE agent_id = $1 AND day = $2`, id, day)
	return kinds, err
}

// UsageRange is a part of an agent's counters: days "2006-01-02", both
// included and "" for open; Kinds empty and Incarnation 0 are all.
type UsageRange struct {
	From, To    string
	Kinds       []string
	Incarnation int
	// After is the last counter of the part before; nil is the start.
	After *fleet.Usage
	Limit int
}

// Usage returns an agent's counters by day, kind and incarnation, oldest first.
func (tx *Tx) Usage(id fleet.AgentID, r UsageRange) (list []fleet.Usage, err error) {
	w := &where{}
	cond := `agent_id = ` + w.arg(id)
	if r.From != "" {
		cond += ` AND day >= ` + w.arg(r.From)
	}
	if r.To != "" {
		cond += ` AND day <= ` + w.arg(r.To)
	}
	if len(r.Kinds) > 0 {
		cond += ` AND kind IN (` + args(w, r.Kinds) + `)`
	}
	if r.Incarnation > 0 {
		cond += ` AND incarnation = ` + w.arg(r.Incarnation)
	}
	if r.After != nil {
		cond += ` AND (day, kind, incarnation) > (` + w.arg(r.After.Day) + `, ` + w.arg(r.After.Kind) + `, ` + w.arg(r.After.Incarnation) + `)`
	}
	err = tx.each(func(rows *sql.Rows) error {
		u, err := scanUsage(rows)
		list = append(list, u)
		return err
	}, `SELECT day, kind, incarnation, n FROM usage_days WHERE `+cond+` ORDER BY day, kind, incarnation`+w.limit(r.Limit), w.args...)
	return list, err
}

func scanUsage(rows *sql.Rows) (u fleet.Usage, err error) {
	err = rows.Scan(&u.Day, &u.Kind, &u.Incarnation, &u.Count)
	return u, err
}

// UsageSummary returns, of the days from one on, what each kind came to in each
// incarnation, as Count, and its first day.
func (tx *Tx) UsageSummary(id fleet.AgentID, from string) (list []fleet.Usage, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var u fleet.Usage
		err := rows.Scan(&u.Kind, &u.Incarnation, &u.Count, &u.Day)
		list = append(list, u)
		return err
	}, `SELECT kind, incarnation, SUM(n), MIN(day) FROM usage_days WHERE agent_id = $1 AND day >= $2
		GROUP BY kind, incarnation ORDER BY kind, incarnation LIMIT 10000`, id, from)
	return list, err
}
