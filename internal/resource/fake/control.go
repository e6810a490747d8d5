package fake

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// controlPath leads the control routes. They listen at an address of their
// own, so that they work while the vendor is away.
const controlPath = "/_control"

// faultsIn is Faults as the control routes read them; times are milliseconds.
type faultsIn struct {
	Seed   uint64   `json:"seed"`
	Rate   float64  `json:"rate"`
	Kinds  []Fault  `json:"kinds"`
	Routes []string `json:"routes"`
	Times  int      `json:"times"`
	HangMS int      `json:"hangMs"`
	SlowMS int      `json:"slowMs"`
}

func (f faultsIn) faults() Faults {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	return Faults{Seed: f.Seed, Rate: f.Rate, Kinds: f.Kinds, Routes: f.Routes, Times: f.Times, Hang: ms(f.HangMS), Slow: ms(f.SlowMS)}
}

// controls are the switches and the record for judges in another process:
//
//	GET  /_control/requests?after=N   /_control/profiles   /_control/counts
//	POST /_control/faults {"seed","rate","kinds","routes","times","hangMs","slowMs"}
//	POST /_control/down {"mode":"refuse"|"503"|""}
//	POST /_control/choices {"secondDelete":403,…}
//	POST /_control/protect {"id","on"}
//	POST /_control/reissue   /_control/revive
func (s *GoLogin) controls() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+controlPath+"/requests", func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.Atoi(r.URL.Query().Get("after"))
		deliver(w, answer{status: http.StatusOK, body: s.Requests(after)})
	})
	mux.HandleFunc("GET "+controlPath+"/profiles", func(w http.ResponseWriter, _ *http.Request) {
		deliver(w, answer{status: http.StatusOK, body: s.All()})
	})
	mux.HandleFunc("GET "+controlPath+"/counts", func(w http.ResponseWriter, _ *http.Request) {
		deliver(w, answer{status: http.StatusOK, body: s.Counts()})
	})
	mux.HandleFunc("POST "+controlPath+"/faults", switched(func(in faultsIn) error { return s.SetFaults(in.faults()) }))
	mux.HandleFunc("POST "+controlPath+"/down", switched(func(in struct{ Mode Down }) error { return s.SetDown(in.Mode) }))
	mux.HandleFunc("POST "+controlPath+"/choices", switched(func(in Choices) error { s.SetChoices(in); return nil }))
	mux.HandleFunc("POST "+controlPath+"/protect", switched(func(in struct {
		ID string
		On bool
	}) error {
		if !s.Protect(in.ID, in.On) {
			return errors.New("there is no such profile")
		}
		return nil
	}))
	mux.HandleFunc("POST "+controlPath+"/revive", func(w http.ResponseWriter, _ *http.Request) {
		s.Revive()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST "+controlPath+"/reissue", func(w http.ResponseWriter, _ *http.Request) {
		deliver(w, answer{status: http.StatusOK, body: map[string]any{"token": s.Reissue()}})
	})
	return mux
}

// switched reads the body and does it: 204, or 400 with the reason as text.
func switched[T any](do func(T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
		d.DisallowUnknownFields()
		err := d.Decode(&in)
		if err == nil {
			err = do(in)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}
