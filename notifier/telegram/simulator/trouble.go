package simulator

import (
	"net/http"
	"strconv"
	"time"
)

// wireFault is a Fault in the scripting API: durations in milliseconds.
type wireFault struct {
	Fault
	DelayMS int64 `json:"delay_ms,omitempty"`
	ForMS   int64 `json:"for_ms,omitempty"`
}

type wireFaultState struct {
	wireFault
	Number int `json:"number"`
	Hits   int `json:"hits"`
}

// troubleRoutes adds the part of the scripting API that makes things go wrong.
func (s *Simulator) troubleRoutes(mux *http.ServeMux, api string) {
	mux.HandleFunc("GET "+api+"faults", script(func(*http.Request) (any, error) {
		list := []wireFaultState{}
		for _, f := range s.Faults() {
			list = append(list, wireFaultState{
				wireFault: wireFault{Fault: f.Fault, DelayMS: f.Delay.Milliseconds(), ForMS: f.For.Milliseconds()},
				Number:    f.Number, Hits: f.Hits,
			})
		}
		return map[string]any{"faults": list}, nil
	}))
	mux.HandleFunc("POST "+api+"faults", script(func(r *http.Request) (any, error) {
		var in wireFault
		if err := read(r, &in); err != nil {
			return nil, err
		}
		const most = int64(24 * time.Hour / time.Millisecond)
		if in.DelayMS > most || in.ForMS > most {
			return nil, scriptError{"delay_ms, for_ms: at most a day"}
		}
		in.Delay, in.For = time.Duration(in.DelayMS)*time.Millisecond, time.Duration(in.ForMS)*time.Millisecond
		n, err := s.Script(in.Fault)
		if err != nil {
			return nil, scriptError{err.Error()}
		}
		return map[string]int{"number": n}, nil
	}))
	mux.HandleFunc("DELETE "+api+"faults", script(func(*http.Request) (any, error) { s.ClearFaults(); return nil, nil }))
	mux.HandleFunc("DELETE "+api+"faults/{number}", script(func(r *http.Request) (any, error) {
		n, err := strconv.Atoi(r.PathValue("number"))
		if err != nil {
			return nil, scriptError{"number: not a whole number"}
		}
		s.Unscript(n)
		return nil, nil
	}))
	mux.HandleFunc("POST "+api+"outage", script(func(r *http.Request) (any, error) {
		var in struct {
			On bool `json:"on"`
		}
		if err := read(r, &in); err != nil {
			return nil, err
		}
		s.Outage(in.On)
		return nil, nil
	}))
	mux.HandleFunc("POST "+api+"limits", script(func(r *http.Request) (any, error) {
		var in Limits
		if err := read(r, &in); err != nil {
			return nil, err
		}
		s.SetLimits(in)
		return nil, nil
	}))
	mux.HandleFunc("POST "+api+"tokens", script(func(r *http.Request) (any, error) {
		var in struct {
			Tokens []string `json:"tokens"`
		}
		if err := read(r, &in); err != nil {
			return nil, err
		}
		s.SetTokens(in.Tokens...)
		return nil, nil
	}))
}
