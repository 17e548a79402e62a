package httpapi

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kabarchy/app"
	"kabarchy/visa"
)

// metrics are what is counted. All labels are of small, fixed sets; none holds
// what a client sent.
type metrics struct {
	requests *prometheus.CounterVec   // route, method, class
	seconds  *prometheus.HistogramVec // route
	updates  map[visa.Result]prometheus.Counter
	refused  map[string]prometheus.Counter
	panics   prometheus.Counter
	forged   prometheus.Counter
	unrouted *route
}

// Why a request was refused with 429, as a label.
const (
	refusedRate   = "rate"
	refusedMisses = "misses"
)

func newMetrics(registry prometheus.Registerer, service *app.Service) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kabarchy_http_requests_total", Help: "Requests answered, by route, method and class of status.",
		}, []string{"route", "method", "class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kabarchy_http_request_seconds", Help: "Time from a request's match to its answer, in seconds, by route.",
			Buckets: []float64{.0001, .001, .005, .02, .1, .5, 2, 10, 60},
		}, []string{"route"}),
		updates: map[visa.Result]prometheus.Counter{},
		refused: map[string]prometheus.Counter{},
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kabarchy_http_panics_total", Help: "Requests whose handling panicked.",
		}),
		forged: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kabarchy_http_forwarded_untrusted_total", Help: "Look-ups with X-Forwarded-For from a peer that is no trusted proxy.",
		}),
	}
	updates := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kabarchy_updates_total", Help: "Updates received over HTTP, by what became of them.",
	}, []string{"result"})
	for _, r := range []visa.Result{visa.Applied, visa.Duplicate, visa.Stale, visa.Conflict, visa.Rejected} {
		m.updates[r] = updates.WithLabelValues(string(r))
	}
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kabarchy_http_refused_total", Help: "Requests refused with 429, by the limit.",
	}, []string{"limit"})
	for _, limit := range []string{refusedRate, refusedMisses} {
		m.refused[limit] = refused.WithLabelValues(limit)
	}
	registry.MustRegister(m.requests, m.seconds, m.panics, m.forged, updates, refused,
		counterOf("kabarchy_reasons_dropped_total", "Reasons of updates that are no configured code, and so are never shown.", nil,
			func() uint64 { return service.Stats().ReasonsDropped }))
	for from, count := range map[string]func() uint64{
		"memory":  func() uint64 { return service.Stats().Cache.Hits },
		"store":   func() uint64 { return service.Stats().Cache.Loads },
		"joined":  func() uint64 { return service.Stats().Cache.Joined },
		"stale":   func() uint64 { return service.Stats().Cache.Stale },
		"unknown": func() uint64 { return service.Stats().Cache.Unknown },
	} {
		registry.MustRegister(counterOf("kabarchy_cache_lookups_total", "Look-ups by where the answer came from.", prometheus.Labels{"from": from}, count))
	}
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kabarchy_cache_answers", Help: "Answers kept in memory, about.",
	}, func() float64 { return float64(service.Stats().Cache.Size) }))
	m.unrouted = m.route("unrouted", "other")
	return m
}

func counterOf(name, help string, labels prometheus.Labels, count func() uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
		func() float64 { return float64(count()) })
}

// A route is a pattern with its counters, looked up once.
type route struct {
	pattern, method string
	counters        [2][4]prometheus.Counter // by HEAD or not, and class of status
	seconds         prometheus.Observer
}

func (m *metrics) route(pattern, method string) *route {
	rt := &route{pattern: pattern, method: method, seconds: m.seconds.WithLabelValues(pattern)}
	for class := range 4 {
		for head := range 2 {
			if head == 0 || method == "GET" {
				rt.counters[head][class] = m.requests.WithLabelValues(pattern, rt.methodOf(head == 1), fmt.Sprintf("%dxx", class+2))
			}
		}
	}
	return rt
}

func (rt *route) methodOf(head bool) string {
	if head && rt.method == "GET" {
		return "HEAD"
	}
	return rt.method
}

func (rt *route) observe(head bool, status int, took time.Duration) {
	i := 0
	if head && rt.method == "GET" {
		i = 1
	}
	rt.counters[i][min(max(status/100-2, 0), 3)].Inc()
	rt.seconds.Observe(took.Seconds())
}

func typeName(v any) string { return fmt.Sprintf("%T", v) }
