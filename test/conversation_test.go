package test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"kabarchy/i18n"
	"kabarchy/notifier/telegram/simulator"
	"kabarchy/test/harness"
)

// link asks the pages for a link to the bot, and returns its token and digits.
func link(t *testing.T, s *harness.Service, reference string) (token, digits string) {
	t.Helper()
	a := s.Send(harness.Request{Method: http.MethodPost, Path: "/alerts", Type: harness.Form, Body: "anyway=1&reference=" + reference, Header: map[string]string{"Accept-Language": "en"}})
	page := string(a.Body)
	found := regexp.MustCompile(`\?start=([A-Za-z0-9_-]{22})`).FindStringSubmatch(page)
	shown := regexp.MustCompile(`class="digits"[^>]*>((?:<b>\d</b>){4})`).FindStringSubmatch(page)
	if found == nil || shown == nil {
		t.Fatalf("status %d, and no link with digits:\n%s", a.Status, page)
	}
	return found[1], strings.Join(regexp.MustCompile(`\d`).FindAllString(shown[1], -1), " ")
}

func TestTheConversationIsTheSameByLongPollAndByWebhook(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"long poll", "webhook"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			sim := harness.Telegram(t)
			settings := map[string]string{"REFERENCE_PATTERN": "[0-9]{8}"}
			public := ""
			if mode == "webhook" {
				public = harness.Addresses(t, 1)[0]
				settings["LISTEN"], settings["TELEGRAM_WEBHOOK_URL"], settings["TELEGRAM_WEBHOOK_SECRET"] = public, "http://"+public, "shared_Secret-1"
			}
			s := harness.New(t, harness.Options{Telegram: sim, Settings: settings})
			if public != "" {
				s.URL = "http://" + public
			}
			key := s.Key("register", "updates")
			s.Start()
			s.Push(key, received("20417761", 1))
			s.Push(key, decided("20417762", 1))
			c := harness.NewChat(t, sim, "fo") // that nobody here speaks

			welcome := c.Ask("/start")
			languages := i18n.Default().All()
			n := 0
			for _, row := range welcome.Buttons {
				if len(row) > 3 {
					t.Errorf("%d languages stand in a row", len(row))
				}
				n += len(row)
			}
			if n != len(languages) {
				t.Errorf("/start offers %d languages, want %d", n, len(languages))
			}
			c.NextAfterPress(welcome, "Русский", "Теперь я пишу по-русски.", "Пришлите мне номер")
			c.Ask("/language en")

			token, digits := link(t, s, "20417761")
			c.Send("/start " + token)
			c.NextWith("📥 Application received\n🔑 The page showed the same digits: "+digits, "You follow this application now.")
			token, digits = link(t, s, "20417769")
			c.Send("/start " + token)
			c.NextWith("Not in our data yet\n🔑 The page showed the same digits: "+digits, "I tell you when it appears.")

			c.Send("20417762 Aziz <b>&\nAnna: 20417763\n2041776 Li\n20417761")
			c.NextWith("📋 2 numbers added to your list", "1 followed", "1 waiting", "1 was on your list already", "Line 3: You typed 7 digits; it has 8.")
			list := c.Ask("/list")
			for _, want := range []string{"You follow 4 applications", "Aziz <b>&", "Anna"} {
				if !strings.Contains(list.Text, want) {
					t.Errorf("the list lacks %q:\n%s", want, list.Text)
				}
			}
			s.Push(key, received("20417763", 1))
			c.NextWith("Application received", "Anna", "appeared")

			for _, album := range []string{"13579", ""} {
				for range 3 {
					if _, err := sim.SendMedia(c.ID, simulator.Media{Kind: "photo", Album: album}); err != nil {
						t.Fatal(err)
					}
				}
				c.NextWith("📎 I read text only")
			}
			group := sim.AddGroup(simulator.Group{Title: "Family"})
			for range 3 {
				if _, err := sim.SendText(group, "@"+sim.BotUsername()+" 20417762"); err != nil {
					t.Fatal(err)
				}
			}
			harness.Known(t, sim, group).NextWith("👥 I answer in private chats only.")
			s.Settled(sim)
			if got := c.Unread(); len(got) > 0 {
				t.Errorf("photos sent together are answered more than once:\n%s", got[0].Text)
			}
			if got := sim.Messages(group); len(got) != 1 {
				t.Errorf("a group got %d answers", len(got))
			}
			for _, r := range sim.Requests() {
				if r.Method == "getFile" {
					t.Error("a file was fetched")
				}
			}
			for _, l := range languages {
				s.Until(l.Code()+" has its menu", func() bool {
					menu := sim.Commands(l.Code())
					return len(menu) == 8 && menu[0].Description == l.T("bot.command.status")
				})
			}
		})
	}
}
