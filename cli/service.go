package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	core "kabarchy/app"
	"kabarchy/app/httpapi"
	"kabarchy/app/web"
	"kabarchy/config"
	"kabarchy/guidance"
	"kabarchy/i18n"
	"kabarchy/notifier"
	"kabarchy/notifier/telegram"
	"kabarchy/store"
)

// Roles of a process.
const (
	roleAll      = ""
	roleAPI      = "api"
	roleNotifier = "notifier"
)

// A service is the whole of it in one process: made by newService, run by run.
type service struct {
	c        config.Config
	log      *slog.Logger
	store    *store.Store
	app      *core.Service
	http     *httpapi.Server
	public   net.Listener // nil in the notifier's role
	admin    net.Listener
	notifier *notifier.Notifier // nil without a token, and in the api role
	username atomic.Pointer[string]
	guidance *guidance.Source // nil: none
	erases   bool             // every process but those of the api role
}

// newService opens the database and the listeners. On an error nothing is left
// open.
func newService(ctx context.Context, c config.Config, role string, log *slog.Logger) (_ *service, err error) {
	texts, err := reasons(c)
	if err != nil {
		return nil, err
	}
	guide, err := openGuidance(c, log)
	if err != nil {
		return nil, err
	}
	s := &service{c: c, log: log, guidance: guide, erases: role != roleAPI}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.store, err = openStore(ctx, c, log); err != nil {
		return nil, err
	}
	if s.erases {
		if err := s.store.Retain(ctx, true); err != nil {
			return nil, err
		}
	}
	s.app = core.New(core.Options{
		Store: s.store, Rules: rules(c), Reasons: texts, ProofRequired: c.ProofRequired,
		Zone: c.Timezone, CacheSize: c.CacheSize, Links: s.store, Log: log,
	})
	s.store.OnChange(s.app.Apply)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gateway, webhook := s.telegram(c)
	s.http = httpapi.New(httpapi.Options{
		Service: s.app,
		Pages: web.New(i18n.Default(), texts, web.Options{
			Zone: c.Timezone, AskProof: c.ProofRequired, Bot: s.bot, Guidance: s.guidance.Current, RetentionDays: c.RetentionDays, CalendarKey: s.store.CalendarKey(),
		}),
		Reasons: texts,
		Limits:  httpapi.Limits{Rate: c.RateLimit, Burst: c.RateBurst, Misses: c.MissLimit},
		Audit:   s.store, Announcer: newAnnouncer(c, s.store),
		Webhook: webhook, TrustedProxies: []netip.Prefix(c.TrustedProxies), Log: log, Registry: registry,
	})
	switch {
	case role == roleAPI:
	case gateway == nil:
		log.Warn("TELEGRAM_TOKEN is empty: nothing is sent; notifications are kept until there is one")
	default:
		s.notifier = s.newNotifier(gateway, texts, newDeliveryMetrics(registry))
	}
	if role != roleNotifier {
		if s.public, err = listen("LISTEN", c.Listen); err != nil {
			return nil, err
		}
	}
	if s.admin, err = listen("ADMIN_LISTEN", c.AdminListen); err != nil {
		return nil, err
	}
	return s, nil
}

func listen(setting, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", setting, address, err)
	}
	return l, nil
}

// telegram returns the way to Telegram, nil without a token, and what takes
// its webhook's updates, nil in long-poll mode.
func (s *service) telegram(c config.Config) (*telegram.Gateway, func(context.Context, string, []byte) error) {
	var webhook func(context.Context, string, []byte) error
	var gateway *telegram.Gateway
	if !c.TelegramToken.IsZero() {
		gateway = telegram.New(telegram.Options{
			Token: c.TelegramToken.Reveal(), APIURL: c.TelegramAPIURL, Proxy: proxy(c), Log: s.log,
		})
	}
	if c.TelegramWebhookURL != "" && gateway != nil {
		take := gateway.Webhook(c.TelegramWebhookSecret.Reveal(), inbox{s.store})
		webhook = func(ctx context.Context, secret string, body []byte) error {
			err := take(ctx, secret, body)
			switch {
			case errors.Is(err, telegram.ErrSecret):
				return httpapi.ErrForbidden
			case errors.Is(err, telegram.ErrBadUpdate):
				return httpapi.ErrNotUpdate
			}
			return err
		}
	}
	return gateway, webhook
}

// run serves until ctx ends, and then ends everything in the reverse order:
// requests under way get their answers, messages under way their results.
func (s *service) run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var beside sync.WaitGroup
	if s.notifier != nil {
		beside.Go(func() { _ = s.notifier.Run(work) })
	}
	beside.Go(func() { s.tidy(work) })
	if s.guidance != nil {
		beside.Go(func() { s.guidance.Watch(work, guidanceLook) })
	}
	if s.erases {
		beside.Go(func() { retain(work, s.store, s.log) })
	}
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.public, s.admin) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		s.log.Info("stopping: requests under way may end", "within", s.c.ShutdownTimeout)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.c.ShutdownTimeout)
		err = s.http.Shutdown(limit)
		cancel()
		err = errors.Join(err, <-served)
	}
	stop()
	beside.Wait()
	return errors.Join(err, s.close())
}

// tidy erases what is past its use, a little at a time.
func (s *service) tidy(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = s.store.Tidy(ctx); err != nil {
				s.log.Error("cannot tidy the database", "error", err)
			}
		}
	}
}

func (s *service) close() error {
	var errs []error
	for _, l := range []net.Listener{s.public, s.admin} {
		if l != nil {
			if err := l.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	if s.app != nil {
		s.app.Close()
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
