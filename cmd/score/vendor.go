package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/resource/fake"
	"agentry/internal/store"
)

// plentyRate is GOLOGIN_RATE where the client's own throttle is not what is
// measured: nearly the most there is, with the longest burst.
const plentyRate = 1140

// outside is a vendor in this process, so that it outlives every server, and
// what a judge may know of its own: which profiles somebody asked to let go.
type outside struct {
	*fake.GoLogin
	gateway   *fake.Gateway // of proxies
	tokenFile string

	mu sync.Mutex
	// freed is when the first request left that ends an agent's incarnation.
	freed map[life]time.Time
}

// life is an agent between two relaunches.
type life struct {
	agent       string
	incarnation int
}

func lifeOf(r fleet.Resource) life { return life{string(r.AgentID), r.Incarnation} }

// newOutside opens a vendor whose plan nobody exceeds, and says what a server's
// configuration needs to use it at so many requests a minute.
func (t *trial) newOutside(name string, rate int) (*outside, string, error) {
	g, err := fake.NewGoLogin(fake.Options{
		PlanPerMinute: -1, Keep: 1_000_000,
		// A page of text that is not the API's stands for trouble on the way
		// here; what a 429 does has its own part.
		Choices: fake.Choices{CloudflareStatus: 403, ListLag: time.Second},
	})
	if err != nil {
		return nil, "", err
	}
	proxies, err := fake.NewGateway(fake.GatewayOptions{})
	if err != nil {
		return nil, "", errors.Join(err, g.Close(context.Background()))
	}
	o := &outside{GoLogin: g, gateway: proxies, tokenFile: filepath.Join(t.dir, name+".token"), freed: map[life]time.Time{}}
	t.outsides = append(t.outsides, o)
	config := fmt.Sprintf("gologin_api_base = %q\ngologin_token_file = %q\ngologin_rate = %d\nproxy_check_url = %q\nproxy_allow_private = \"127.0.0.0/8\"\n",
		g.URL(), o.tokenFile, rate, proxies.EchoURL())
	return o, config, os.WriteFile(o.tokenFile, []byte(g.Token()+"\n"), 0o600)
}

// outsideKind needs a profile and runs something that says nothing, with the
// mark in its arguments.
func outsideKind(mark string) string {
	return fmt.Sprintf(`
[kinds.outside]
driver  = "process"
command = ["/bin/sleep", "1000.%s"]
setup   = ["login", "password", "country"]
profile = "required"
proxy   = "optional"
grace   = "1s"
`, mark)
}

// account is the body of a setup.
func account() map[string]any {
	return map[string]any{"login": "ada@northwind.example", "password": "not a real one", "country": "FR"}
}

// addProxy puts the gateway into the team's pool, for so many agents at once.
func (s *server) addProxy(ctx context.Context, o *outside, capacity int) error {
	return s.call(ctx, "POST", "/v1/proxies", map[string]any{
		"label": "gateway", "scheme": "http", "host": o.gateway.Host(), "port": o.gateway.Port(), "username": o.gateway.Username(),
		"password": o.gateway.Password(), "country": account()["country"], "ipMode": "sticky", "sessionTtlMin": 30, "capacity": capacity,
	}, nil)
}

// close leaves what is under way: nobody is left who could wait for an answer.
func (o *outside) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = errors.Join(o.Close(ctx), o.gateway.Close(ctx))
}

// letGo notes that an incarnation's things are not wanted from now on.
func (o *outside) letGo(agent string, incarnation int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l := (life{agent, incarnation}); o.freed[l].IsZero() {
		o.freed[l] = time.Now()
	}
}

// faults makes so much of what is asked fail, in every way but 429.
func (o *outside) faults(seed uint64, rate float64) error {
	return o.SetFaults(fake.Faults{Seed: seed, Rate: rate, Kinds: fake.AllFaults(), Hang: 400 * time.Millisecond, Slow: 200 * time.Millisecond})
}

// books is what the vendor's own record says beside the rows of a ledger.
type books struct {
	total, held int
	// leaked profiles live and no living agent holds them, double ones among
	// them beside another of their row; missing ones are held and do not live.
	leaked, double, missing int
	// twice counts deletions asked for of what was gone, strangers requests
	// for a profile that the row's agent had not let go of, or of no row.
	twice, strangers int
	// open counts rows that wait, whatever for.
	open int
	// proxied profiles live with a proxy; astray ones have another proxy than
	// their agent's, or were deleted with one.
	proxied, astray int
}

func (b books) clean() bool {
	return b.leaked+b.double+b.missing+b.twice+b.strangers+b.open+b.astray == 0
}

func (b books) String() string {
	return fmt.Sprintf("%d leaked, %d double, %d missing, %d twice, %d another's, %d with a wrong proxy, %d open of %d", b.leaked, b.double, b.missing, b.twice, b.strangers, b.astray, b.open, b.total)
}

// balance compares the books of a server that was stopped.
func (o *outside) balance(ctx context.Context, s *server) (books, error) {
	rows, alive, err := s.ledgerRows(ctx)
	return o.compare(s.t, rows, alive), err
}

// compare holds a ledger, and the incarnation of each agent that there is,
// against the vendor's record. What a profile is and whose follows from its
// name alone: the row's id, and with it the agent.
func (o *outside) compare(t *trial, rows []fleet.Resource, alive map[fleet.AgentID]int) (b books) {
	b.total = len(rows)
	profiles, sessions, names, living := map[string]fleet.Resource{}, map[life]string{}, map[string]string{}, map[string]bool{}
	for _, r := range rows {
		switch {
		case r.Type == fleet.ResourceProfile:
			profiles[r.Name()] = r
		case r.Type == fleet.ResourceProxy && r.Live():
			sessions[lifeOf(r)] = r.Session
		}
	}
	for _, p := range o.All() {
		names[p.ID] = p.Name
		living[p.ID] = p.Trashed.IsZero()
		r, session := profiles[p.Name], ""
		if living[p.ID] {
			session = sessions[lifeOf(r)]
			b.proxied += min(len(session), 1)
		}
		if used := p.Proxy; session == "" && used.Mode != "none" || session != "" && !strings.Contains(used.Username, "-session-"+session+"-") {
			b.astray++
			t.say("astray: %s, alive %t, has the proxy %s %s, its agent session %q", p.ID, living[p.ID], used.Mode, used.Username, session)
		}
		if living[p.ID] && (r.ExternalID != p.ID || r.State != fleet.ResourceHeld || alive[r.AgentID] != r.Incarnation) {
			b.leaked++
			t.say("leaked: %s %s, its row is %s with %q", p.ID, p.Name, r.State, r.ExternalID)
		}
	}
	for _, r := range rows {
		if r.Type == fleet.ResourceProfile && r.State == fleet.ResourceHeld {
			if b.held++; !living[r.ExternalID] || names[r.ExternalID] != r.Name() {
				b.missing++
				t.say("missing: row %s holds %q, which does not live", r.ID, r.ExternalID)
			}
		}
		if r.Type == fleet.ResourceProxy && r.Live() && alive[r.AgentID] != r.Incarnation {
			b.leaked++
			t.say("leaked: the place of row %s at a proxy is nobody's", r.ID)
		}
		if r.Open() {
			b.open++
			t.say("open: row %s is %s after %d tries: %s", r.ID, r.State, r.Tries, r.LastError)
		}
	}
	n := o.Counts()
	b.double = n.SameName
	b.twice = n.DeletedTwice + n.AskedGone + n.Strange
	b.strangers = o.strangers(t, profiles, names)
	return b
}

// strangers counts requests that reached for a profile against its agent's
// will: of a name that no row has, or a deletion before anybody let go.
func (o *outside) strangers(t *trial, profiles map[string]fleet.Resource, names map[string]string) (n int) {
	for _, q := range o.Requests(0) {
		id := profileOf(q)
		if id == "" {
			continue
		}
		r, known := profiles[names[id]]
		freed := o.freed[lifeOf(r)]
		takes := q.Method == "DELETE" && (freed.IsZero() || q.At.Before(freed))
		if !known || takes && r.ExternalID == id {
			n++
			t.say("stranger: %s %s for %q of agent %s", q.Method, q.Target, names[id], r.AgentID)
		}
	}
	return n
}

// profileOf is the profile that a request names in its path.
func profileOf(q fake.Request) string {
	path, _, _ := strings.Cut(q.Target, "?")
	parts := strings.Split(path, "/")
	if len(parts) < 3 || !strings.Contains(q.Route, "/:id") {
		return ""
	}
	return parts[2]
}

// openRows are those with something still to be done outside.
const openRows = "state=wanted,acquiring,releasing,leaked"

// rows is how many rows of the ledger GET /v1/resources has.
func (s *server) rows(ctx context.Context, query string) (int, error) {
	header, err := s.request(ctx, "GET", "/v1/resources?limit=1&"+query, nil, nil)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(header.Get("X-Total-Count"))
}

// ledgerRows reads, from the folder of a server that does not run, all rows of
// its team's ledger and the incarnation of each agent that there is.
func (s *server) ledgerRows(ctx context.Context) (rows []fleet.Resource, alive map[fleet.AgentID]int, err error) {
	if s.cmd != nil {
		return nil, nil, fmt.Errorf("the server runs: its ledger moves")
	}
	db, err := store.Open(ctx, filepath.Join(s.dir, "data", "agentry.db"), store.Options{})
	if err != nil {
		return nil, nil, err
	}
	alive = map[fleet.AgentID]int{}
	err = db.Read(ctx, func(tx *store.Tx) error {
		const page = 500
		for before := ""; ; {
			list, err := tx.Resources(fleet.TeamID(s.team), store.ResourceFilter{}, before, page)
			if err != nil {
				return err
			}
			rows = append(rows, list...)
			if len(list) < page {
				break
			}
			before = list[len(list)-1].ID
		}
		for _, r := range rows {
			switch row, err := tx.AgentOfRun(r.AgentID); {
			case err == nil:
				alive[r.AgentID] = row.Incarnation
			case fleet.CodeOf(err) != fleet.CodeNotFound:
				return err
			}
		}
		return nil
	})
	return rows, alive, errors.Join(err, db.Close())
}
