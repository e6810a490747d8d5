package store

import (
	"database/sql"
	"time"

	"agentry/internal/fleet"
)

const proxyColumns = `p.id, p.team_id, p.label, p.scheme, p.host, p.port, p.username, LENGTH(p.password) > 0, p.country, p.ip_mode, p.session_ttl,
	p.capacity, p.enabled, p.health, p.fails, p.last_check_at, p.last_ok_at, p.last_ip, p.last_country, p.latency, p.last_error,
	p.next_check_at, p.created_at, p.updated_at, p.version, ` + proxyUse

// proxyUse counts the agents that have a place at an entry: a proxy that is
// being released may still be used outside.
const proxyUse = `(SELECT COUNT(*) FROM resources r WHERE r.proxy_id = p.id AND r.proxy_id <> '' AND r.team_id = p.team_id
	AND r.state IN ('wanted', 'acquiring', 'held', 'releasing'))`

func (tx *Tx) proxies(query string, values ...any) (list []fleet.Proxy, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var p fleet.Proxy
		var ttl, latency int64
		err := rows.Scan(&p.ID, &p.TeamID, &p.Label, &p.Scheme, &p.Host, &p.Port, &p.Username, &p.HasPassword, &p.Country, &p.IPMode, &ttl,
			&p.Capacity, &p.Enabled, &p.Health, &p.Fails, stamp{&p.LastCheckAt}, stamp{&p.LastOKAt}, &p.LastIP, &p.LastCountry, &latency, &p.LastError,
			stamp{&p.NextCheckAt}, stamp{&p.CreatedAt}, stamp{&p.UpdatedAt}, &p.Version, &p.InUse)
		p.SessionTTL, p.Latency = time.Duration(ttl)*time.Minute, time.Duration(latency)*time.Microsecond
		list = append(list, p)
		return err
	}, `SELECT `+proxyColumns+` FROM proxies p `+query, values...)
	return list, err
}

// SealedPassword is an entry's password under its own data key.
type SealedPassword struct {
	Key []byte // sealed with the master key
	Box []byte // sealed with the key; empty is no password
}

// InsertProxy stores a new entry of the pool; it is never checked yet.
func (tx *Tx) InsertProxy(p fleet.Proxy, s SealedPassword) error {
	err := tx.run(`INSERT INTO proxies (id, team_id, label, scheme, host, port, username, data_key, password, country, ip_mode, session_ttl, capacity,
			enabled, health, fails, last_check_at, last_ok_at, last_ip, last_country, latency, last_error, next_check_at, created_at, updated_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'unknown', 0, 0, 0, '', '', 0, '', $15, $16, $16, 1)`,
		p.ID, p.TeamID, p.Label, p.Scheme, p.Host, p.Port, p.Username, s.Key, notNil(s.Box), p.Country, p.IPMode, int64(p.SessionTTL/time.Minute),
		p.Capacity, p.Enabled, micros(p.NextCheckAt), micros(p.CreatedAt))
	return sameProxy(err)
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func sameProxy(err error) error {
	if isDuplicate(err) {
		return fleet.Errorf(fleet.CodeConflict, "The pool has a proxy with this address, username and country already").Because(err)
	}
	return err
}

// UpdateProxy stores what people may edit of an entry, and its health, if it
// is still at the version; the version rises. false is that it moved on.
func (tx *Tx) UpdateProxy(p fleet.Proxy, at time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE proxies SET label = $1, scheme = $2, host = $3, port = $4, username = $5, country = $6, ip_mode = $7,
			session_ttl = $8, capacity = $9, enabled = $10, health = $11, fails = $12, last_error = $13, next_check_at = $14,
			updated_at = $15, version = version + 1
		WHERE id = $16 AND team_id = $17 AND version = $18`,
		p.Label, p.Scheme, p.Host, p.Port, p.Username, p.Country, p.IPMode, int64(p.SessionTTL/time.Minute), p.Capacity, p.Enabled,
		p.Health, p.Fails, p.LastError, micros(p.NextCheckAt), micros(at), p.ID, p.TeamID, p.Version)
	return n == 1, sameProxy(err)
}

// SetProxyPassword stores another password; what the former one was sealed
// with is gone.
func (tx *Tx) SetProxyPassword(team fleet.TeamID, id string, s SealedPassword) error {
	return tx.run(`UPDATE proxies SET data_key = $1, password = $2 WHERE id = $3 AND team_id = $4`, s.Key, notNil(s.Box), id, team)
}

// ProxyPassword returns the sealed password of one of the team's entries.
func (tx *Tx) ProxyPassword(team fleet.TeamID, id string) (s SealedPassword, err error) {
	ok, err := tx.one([]any{&s.Key, &s.Box}, `SELECT data_key, password FROM proxies WHERE id = $1 AND team_id = $2`, id, team)
	if err == nil && !ok {
		err = errNoProxy()
	}
	return s, err
}

// DeleteProxy removes one of the team's entries with its data key; false when
// there is none.
func (tx *Tx) DeleteProxy(team fleet.TeamID, id string) (bool, error) {
	n, err := tx.exec(`DELETE FROM proxies WHERE id = $1 AND team_id = $2`, id, team)
	return n == 1, err
}

func errNoProxy() error { return fleet.Errorf(fleet.CodeNotFound, "Proxy not found") }

// Proxy returns one of the team's entries.
func (tx *Tx) Proxy(team fleet.TeamID, id string) (fleet.Proxy, error) {
	list, err := tx.proxies(`WHERE p.id = $1 AND p.team_id = $2`, id, team)
	if err == nil && len(list) == 0 {
		err = errNoProxy()
	}
	if err != nil {
		return fleet.Proxy{}, err
	}
	return list[0], nil
}

// ProxyOfJob returns an entry of any team, for the worker; ok is false when
// there is none.
func (tx *Tx) ProxyOfJob(id string) (p fleet.Proxy, ok bool, err error) {
	list, err := tx.proxies(`WHERE p.id = $1`, id)
	if err != nil || len(list) == 0 {
		return p, false, err
	}
	return list[0], true, nil
}

// SameProxy returns the id of the team's entry that a new one would repeat; ""
// is none.
func (tx *Tx) SameProxy(team fleet.TeamID, e fleet.ProxyEntry) (id string, err error) {
	_, err = tx.one([]any{&id}, `SELECT id FROM proxies WHERE team_id = $1 AND country = $2 AND scheme = $3 AND host = $4 AND port = $5 AND username = $6`,
		team, e.Country, e.Scheme, e.Host, e.Port, e.Username)
	return id, err
}

// ProxyFilter narrows a list of the pool; zero is everything.
type ProxyFilter struct {
	Country string
	Health  fleet.ProxyHealth
}

// Proxies returns the team's entries before an id, newest first.
func (tx *Tx) Proxies(team fleet.TeamID, f ProxyFilter, before string, limit int) ([]fleet.Proxy, error) {
	w := &where{}
	w.add(`p.team_id = ` + w.arg(team))
	if f.Country != "" {
		w.add(`p.country = ` + w.arg(f.Country))
	}
	if f.Health != "" {
		w.add(`p.health = ` + w.arg(f.Health))
	}
	if before != "" {
		w.add(`p.id < ` + w.arg(before))
	}
	return tx.proxies(`WHERE `+w.text()+` ORDER BY p.id DESC`+w.limit(limit), w.args...)
}

// CountProxies counts the team's entries.
func (tx *Tx) CountProxies(team fleet.TeamID) (n int, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM proxies WHERE team_id = $1`, team)
	return n, err
}

// CountProxyHealth counts the team's entries by health.
func (tx *Tx) CountProxyHealth(team fleet.TeamID) (map[fleet.ProxyHealth]int, error) {
	counts := map[fleet.ProxyHealth]int{}
	err := tx.each(func(rows *sql.Rows) error {
		var health fleet.ProxyHealth
		var n int
		err := rows.Scan(&health, &n)
		counts[health] = n
		return err
	}, `SELECT health, COUNT(*) FROM proxies WHERE team_id = $1 GROUP BY health`, team)
	return counts, err
}

// FreeProxy returns the team's entry in a country that has a free place: one
// that works before one that was not checked or just failed, the least loaded
// first. ok is false when there is none. A row of the ledger that is written
// in the same transaction takes the place.
func (tx *Tx) FreeProxy(team fleet.TeamID, country string) (p fleet.Proxy, ok bool, err error) {
	list, err := tx.proxies(`WHERE p.team_id = $1 AND p.country = $2 AND p.enabled = 1 AND p.health <> 'quarantined' AND `+proxyUse+` < p.capacity
		ORDER BY (p.health = 'healthy' AND p.fails = 0) DESC, CAST(`+proxyUse+` AS REAL) / p.capacity, p.id LIMIT 1`, team, country)
	if err != nil || len(list) == 0 {
		return p, false, err
	}
	return list[0], true, nil
}

// ProxyCounts counts what the team has in a country.
func (tx *Tx) ProxyCounts(team fleet.TeamID, country string) (c fleet.ProxyCounts, err error) {
	_, err = tx.one([]any{&c.Entries, &c.Quarantined, &c.Places, &c.Used, &c.Disabled},
		`SELECT COALESCE(SUM(on_), 0), COALESCE(SUM(on_ AND bad), 0),
			COALESCE(SUM(CASE WHEN on_ AND NOT bad THEN capacity ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN on_ AND NOT bad THEN used ELSE 0 END), 0), COALESCE(SUM(NOT on_), 0)
		FROM (SELECT p.enabled AS on_, p.health = 'quarantined' AS bad, p.capacity AS capacity, `+proxyUse+` AS used
			FROM proxies p WHERE p.team_id = $1 AND p.country = $2) c`, team, country)
	return c, err
}

// SaveProxyCheck stores the outcome of a check that began when the entry was
// as in was; false is that it changed meanwhile.
func (tx *Tx) SaveProxyCheck(was, p fleet.Proxy) (bool, error) {
	n, err := tx.exec(`UPDATE proxies SET health = $1, fails = $2, last_check_at = $3, last_ok_at = $4, last_ip = $5, last_country = $6,
			latency = $7, last_error = $8, next_check_at = $9
		WHERE id = $10 AND team_id = $11 AND version = $12 AND last_check_at = $13`,
		p.Health, p.Fails, micros(p.LastCheckAt), micros(p.LastOKAt), p.LastIP, p.LastCountry, p.Latency.Microseconds(), p.LastError,
		micros(p.NextCheckAt), p.ID, p.TeamID, was.Version, micros(was.LastCheckAt))
	return n == 1, err
}

// WantProxyCheck makes a check of one of the team's entries due.
func (tx *Tx) WantProxyCheck(team fleet.TeamID, id string, at time.Time) error {
	return tx.run(`UPDATE proxies SET next_check_at = $1 WHERE id = $2 AND team_id = $3`, micros(at), id, team)
}

// DueProxies returns ids of entries of all teams whose check is due, the
// longest due first; of those that are switched off, only what agents still
// use. What was checked after ahead, or is to be after latest, is of a clock
// that was set back since.
func (tx *Tx) DueProxies(now, ahead, latest time.Time, limit int) (ids []string, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT p.id FROM proxies p WHERE p.id IN (SELECT id FROM proxies WHERE next_check_at <= $1
			UNION ALL SELECT id FROM proxies WHERE last_check_at > $2 UNION ALL SELECT id FROM proxies WHERE next_check_at > $3)
		AND (p.enabled = 1 OR `+proxyUse+` > 0) ORDER BY p.next_check_at, p.id LIMIT $4 + 0`, micros(now), micros(ahead), micros(latest), limit)
	return ids, err
}

// ProxyHolders returns agents of the team, behind an id, that have not ended
// and have a place at an entry.
func (tx *Tx) ProxyHolders(team fleet.TeamID, id string, after fleet.AgentID, limit int) (ids []fleet.AgentID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var id fleet.AgentID
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT DISTINCT r.agent_id FROM resources r JOIN agents a ON a.id = r.agent_id
		WHERE r.proxy_id = $1 AND r.proxy_id <> '' AND r.team_id = $2 AND r.state IN ('wanted', 'acquiring', 'held')
		AND a.status <> 'ended' AND r.agent_id > $3 ORDER BY r.agent_id LIMIT $4 + 0`, id, team, after, limit)
	return ids, err
}
