package cli

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kabarchy/config"
	"kabarchy/i18n"
	"kabarchy/notifier"
	"kabarchy/notifier/bot"
	"kabarchy/notifier/message"
	"kabarchy/notifier/telegram"
	"kabarchy/ratelimit"
	"kabarchy/store"
	"kabarchy/visa"
)

func proxy(c config.Config) *url.URL {
	if c.TelegramProxy.IsZero() {
		return nil
	}
	u, err := url.Parse(c.TelegramProxy.Reveal())
	if err != nil {
		return nil // the settings were checked
	}
	return u
}

// newNotifier puts the sender and the conversation together.
func (s *service) newNotifier(gateway *telegram.Gateway, texts *i18n.Reasons, metrics *deliveryMetrics) *notifier.Notifier {
	words := i18n.Default()
	var languages []string
	for _, c := range words.All() {
		languages = append(languages, c.Code())
	}
	talk := bot.New(bot.Options{
		Rules: rules(s.c), Languages: languages, Misses: newChatMisses(s.c.MissLimit),
		Text: func(lang, key string) string { return words.Get(lang).T(key) },
	})
	var n *notifier.Notifier
	reception := notifier.NewReception(notifier.Reception{
		Silent: func() bool { return n.Silent() },
		Inbox:  s.store, Handle: talk.Handle, Answer: gateway.AnswerCallback, Log: s.log,
		Language: func(code string) string { return words.Match(code).Code() },
	})
	receive := func(ctx context.Context) { _ = gateway.Receive(ctx, inbox{s.store}) }
	if s.c.TelegramWebhookURL != "" {
		receive = func(ctx context.Context) { s.keepWebhook(ctx, gateway) }
	}
	first := &introduction{s: s, g: gateway, talk: talk, languages: append([]string{""}, languages...)}
	n = notifier.New(notifier.Options{
		Become: func(ctx context.Context) (notifier.Queue, int, error) {
			q, orphans, err := s.store.BecomeSender(ctx)
			if err != nil {
				return nil, 0, standBy(err)
			}
			metrics.orphans.Add(float64(orphans))
			return queue{q}, orphans, nil
		},
		Gateway: gateway,
		Render: func(d visa.Delivery) message.Message {
			return message.Render(d, message.Options{
				Now: time.Now(), Zone: s.c.Timezone, Catalogues: words, Reasons: texts, BotUsername: s.bot(),
				PublicURL: s.c.PublicURL, Guide: s.guidance.Current, Stale: s.c.FeedStale, ErasureDay: s.store.ErasureDay,
			})
		},
		Beside:  []func(context.Context){receive, reception.Run, first.run},
		Hold:    gateway.Hold,
		Pace:    s.c.Pace,
		Observe: metrics.observe,
		Log:     s.log,
	})
	gateway.OnHold(n.Hold)
	s.store.OnWork(n.Wake)
	s.store.OnWork(reception.Wake)
	return n
}

// bot is the bot's user name, once Telegram has told it.
func (s *service) bot() string {
	if name := s.username.Load(); name != nil {
		return *name
	}
	return ""
}

// menuGap is the time between two menus that are set.
const menuGap = time.Second

// An introduction asks Telegram who the bot is, and gives it its menus one
// after the other. What it has done it does not do again before the program is
// started anew.
type introduction struct {
	s         *service
	g         *telegram.Gateway
	talk      *bot.Bot
	languages []string // "" for everybody else's comes first
	set       int      // how many of them have their menus
}

// run keeps trying until all is done or ctx ends.
func (i *introduction) run(ctx context.Context) {
	if i.s.username.Load() == nil {
		persist(ctx, func() error {
			me, err := i.g.Me(ctx)
			if err == nil {
				i.s.username.Store(&me.Username)
				i.s.log.Info("the bot is known to Telegram", "username", me.Username)
			}
			return err
		})
	}
	for i.set < len(i.languages) && ctx.Err() == nil {
		if i.set > 0 {
			pause(ctx, menuGap)
		}
		lang := i.languages[i.set]
		persist(ctx, func() error {
			err := i.g.SetCommands(ctx, lang, i.talk.Commands(cmp.Or(lang, "en")))
			if err == nil {
				i.set++
			}
			return err
		})
	}
}

// keepWebhook tells Telegram where to deliver updates.
func (s *service) keepWebhook(ctx context.Context, g *telegram.Gateway) {
	persist(ctx, func() error {
		if _, err := g.Me(ctx); err != nil { // groups call the bot by its name
			return err
		}
		return g.SetWebhook(ctx, s.c.TelegramWebhookURL, s.c.TelegramWebhookSecret.Reveal())
	})
}

// persist repeats f until it succeeds or ctx ends, ever more slowly, and not
// before the time that Telegram names.
func persist(ctx context.Context, f func() error) {
	for wait := 2 * time.Second; ; wait = min(2*wait, 5*time.Minute) {
		err := f()
		if err == nil || ctx.Err() != nil {
			return
		}
		if e := (*telegram.Error)(nil); errors.As(err, &e) {
			wait = max(wait, e.RetryAfter)
		}
		pause(ctx, wait)
	}
}

// pause waits, or returns early when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// queue is the store's sender as the notifier knows it.
type queue struct{ *store.Sender }

func (q queue) Claim(ctx context.Context, n int, turns []visa.Turn, gap time.Duration, ready func(int64) time.Time) ([]visa.Delivery, error) {
	d, err := q.Sender.Claim(ctx, n, turns, gap, ready)
	return d, standBy(err)
}

func (q queue) Finish(ctx context.Context, results []visa.Sent, pause time.Time) error {
	return standBy(q.Sender.Finish(ctx, results, pause))
}

func (q queue) Announce(ctx context.Context) (open, more bool, err error) {
	open, more, err = q.Sender.Announce(ctx)
	return open, more, standBy(err)
}

func standBy(err error) error {
	if errors.Is(err, store.ErrNotSender) {
		return notifier.ErrStandBy
	}
	return err
}

// inbox puts updates into the store in the form it keeps them.
type inbox struct{ s *store.Store }

func (i inbox) Store(ctx context.Context, updates []telegram.Update) error {
	in := make([]visa.Incoming, 0, len(updates))
	for _, u := range updates {
		body, err := telegram.Encode(u)
		if err != nil {
			return err
		}
		in = append(in, visa.Incoming{UpdateID: u.ID, Body: string(body)})
	}
	return i.s.Receive(ctx, in)
}

// chatMisses bounds the unknown references a chat may try.
type chatMisses struct {
	budget *ratelimit.Budget[int64]
	seed   maphash.Seed
}

func newChatMisses(limit int) *chatMisses {
	return &chatMisses{ratelimit.NewBudget[int64](ratelimit.BudgetOptions{Limit: limit}), maphash.MakeSeed()}
}

func (m *chatMisses) fingerprint(r visa.Reference) uint64 { return maphash.String(m.seed, r.String()) }

func (m *chatMisses) Allow(chat int64, r visa.Reference) (time.Duration, bool) {
	d := m.budget.Check(chat, m.fingerprint(r))
	return d.RetryAfter, d.Allowed
}

func (m *chatMisses) Found(chat int64, r visa.Reference, known bool) (time.Duration, bool) {
	spend := m.budget.Miss
	if known {
		spend = m.budget.Hit
	}
	d := spend(chat, m.fingerprint(r))
	return d.RetryAfter, d.Allowed
}

// deliveryMetrics counts what becomes of notifications.
type deliveryMetrics struct {
	attempts *prometheus.CounterVec
	unclear  *prometheus.CounterVec
	orphans  prometheus.Counter
	delay    *prometheus.HistogramVec
}

func newDeliveryMetrics(r prometheus.Registerer) *deliveryMetrics {
	m := &deliveryMetrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kabarchy_notification_attempts_total", Help: "Attempts to send a notification, by lane, result and reason.",
		}, []string{"lane", "result", "reason"}),
		unclear: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kabarchy_notification_ambiguous_total", Help: "Attempts of which no answer says what became of them.",
		}, []string{"lane"}),
		orphans: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kabarchy_notification_orphans_total", Help: "Attempts that an earlier run of the sender left unanswered; they are ambiguous.",
		}),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kabarchy_notification_delay_seconds", Help: "Time from a notification's commit to its acceptance by Telegram.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2, 5, 10, 30, 60, 300, 3600, 86400},
		}, []string{"lane"}),
	}
	r.MustRegister(m.attempts, m.unclear, m.orphans, m.delay)
	return m
}

func (m *deliveryMetrics) observe(o notifier.Observation) {
	m.attempts.WithLabelValues(o.Lane.String(), string(o.Result), o.Reason).Inc()
	if o.Ambiguous {
		m.unclear.WithLabelValues(o.Lane.String()).Inc()
	}
	if o.Result == visa.SendAccepted {
		m.delay.WithLabelValues(o.Lane.String()).Observe(o.Waited.Seconds())
	}
}
