package test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
	"kabarchy/test/harness"
)

// promised is how soon after its acknowledgement news must be accepted.
const promised = 2 * time.Second

func TestFollowersGetTheDecisionAtOnceInTheirLanguage(t *testing.T) {
	t.Parallel()
	sim := harness.Telegram(t)
	s := harness.New(t, harness.Options{Telegram: sim})
	key := s.Key("register", "updates")
	s.Start()
	s.Push(key, received("20417733", 1))
	s.Secret("20417733", "a whole reference")

	english, russian := harness.NewChat(t, sim, "en"), harness.NewChat(t, sim, "ru")
	status := english.Ask("№ 2041-7733")
	if !strings.Contains(status.Text, "Application received") || !strings.Contains(status.Text, "20••••33") {
		t.Errorf("the status reads\n%s", status.Text)
	}
	english.Press(status, "Follow")
	russian.Ask("/follow 2041 7733")
	crowd := make([]*harness.Chat, 20)
	for i := range crowd {
		crowd[i] = harness.NewChat(t, sim, "ky")
		crowd[i].Send("/follow 20417733")
	}
	for _, c := range crowd {
		c.Next()
	}
	s.Settled(sim)

	s.Push(key, decided("20417733", 2))
	acknowledged := time.Now()
	soon := func(m simulator.Message) {
		t.Helper()
		if took := m.At.Sub(acknowledged); took >= promised {
			t.Errorf("accepted %s after the update was acknowledged, want less than %s", took, promised)
		}
		if strings.Contains(m.Text, "20417733") || !strings.Contains(m.Text, "20••••33") {
			t.Errorf("a message must show the reference masked:\n%s", m.Text)
		}
	}
	decision := english.NextWith("✅ Application approved", "Exit visa", "Saturday 5 July 2025", "20 June 2025")
	soon(decision)
	soon(russian.NextWith("Заявление одобрено"))
	for _, c := range crowd {
		soon(c.NextWith("Арыз жактырылды"))
	}

	english.NextAfterPress(decision, "Stop following", "You no longer follow 20••••33")
	s.Settled(sim)
	s.Push(key, received("20417733", 3))
	russian.NextWith("Заявление получено")
	s.Settled(sim)
	if got := english.Unread(); len(got) > 0 {
		t.Errorf("who stopped following is still told:\n%s", got[0].Text)
	}
	if p := sim.Pace(); p.Overall.Count > 30 || p.PerChat.Count > 1 {
		t.Errorf("%d messages within a second, %d in one chat; Telegram takes 30 and 1", p.Overall.Count, p.PerChat.Count)
	}
	if d := sim.Duplicates(); len(d) > 0 {
		t.Errorf("sent %d times:\n%s", d[0].Times, d[0].Text)
	}
}

func TestAReferenceCanBeFollowedBeforeItIsKnown(t *testing.T) {
	t.Parallel()
	sim := harness.Telegram(t)
	s := harness.New(t, harness.Options{Telegram: sim})
	key := s.Key("register", "updates")
	s.Start()
	c := harness.NewChat(t, sim, "en")
	unknown := c.Ask("20417744")
	if !strings.Contains(unknown.Text, "Not in our data yet") {
		t.Errorf("got\n%s", unknown.Text)
	}
	c.NextAfterPress(unknown, "Follow", "You follow this number now. I tell you when it appears.")
	s.Settled(sim)

	s.Push(key, received("20417744", 1))
	acknowledged := time.Now()
	appeared := c.NextWith("Application received", "Your application has appeared in the register’s data.")
	if took := appeared.At.Sub(acknowledged); took >= promised {
		t.Errorf("accepted after %s, want less than %s", took, promised)
	}
	s.Settled(sim)
	if got := c.Unread(); len(got) > 0 {
		t.Errorf("one message was due; then came\n%s", got[0].Text)
	}
}

func TestTheConversation(t *testing.T) {
	t.Parallel()
	sim := harness.Telegram(t)
	s := harness.New(t, harness.Options{Telegram: sim})
	key := s.Key("register", "updates")
	s.Start()
	s.Push(key, received("20417751", 1))
	s.Push(key, received("20417752", 1))
	c := harness.NewChat(t, sim, "en")

	welcome := c.Ask("/start")
	if n := len(slices.Concat(welcome.Buttons...)); n < 3 || !strings.HasPrefix(welcome.Text, "👋 ") {
		t.Errorf("/start offers %d languages, want at least 3", n)
	}
	answers := func(text string, want ...string) simulator.Message {
		t.Helper()
		c.Send(text)
		return c.NextWith(want...)
	}
	answers("/help", "/status", "/follow", "/list", "/stop", "/language", "/forget")
	answers("/list", "You do not follow any application yet")
	answers("/status 20417751", "Application received", "Press “Follow”")
	answers("/follow 20417751", "Application received", "You follow this application now.")
	answers("/follow2041 7752", "You follow this application now.")
	answers("/follow 20417751", "You followed this application before")
	answers("/follow", "Type /follow and then its reference number.")

	list := answers("/list", "You follow 2 applications", "20••••51", "20••••52")
	c.NextAfterPress(list, "20••••52", "Application received", "You follow this application.")
	answers("/stop 20417752", "You no longer follow 20••••52")
	answers("/stop 20417752", "You do not follow 20••••52")
	answers("/list", "You follow 1 application")

	languages := answers("/language", "Choose a language")
	c.NextAfterPress(languages, "Русский", "Теперь я пишу по-русски.")
	s.Push(key, decided("20417751", 2))
	c.NextWith("Заявление одобрено")
	answers("/language en", "From now on I write in English.")

	ask := answers("/forget", "Erase everything?")
	c.NextAfterPress(ask, "Keep it", "You follow 1 application")
	c.NextAfterPress(answers("/forget", "Erase everything?"), "Erase everything", "Nothing about this chat is kept here any more.")
	s.Settled(sim)
	db := s.Open()
	for _, table := range []string{"chats", "subscriptions", "reminders", "notifications", "attempts", "tokens"} {
		var n int
		if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil || n != 0 {
			t.Errorf("after /forget of the only chat %s holds %d rows (%v)", table, n, err)
		}
	}
	s.Push(key, received("20417751", 3))
	s.Settled(sim)
	if got := c.Unread(); len(got) > 0 {
		t.Errorf("a forgotten chat is still written to:\n%s", got[0].Text)
	}
	answers("/follow 20417751", "You follow this application now.")
	c.NextAfterPress(answers("/stop", "Stop following all?", "You follow 1 application."), "Stop following all", "You no longer follow the 1 application you followed.")
}

func TestWhatTheBotCannotReadGetsAHelpfulAnswer(t *testing.T) {
	t.Parallel()
	sim := harness.Telegram(t)
	s := harness.New(t, harness.Options{Telegram: sim})
	s.Start()
	type act func(*harness.Chat) error
	says := func(text string) act {
		return func(c *harness.Chat) error { _, err := sim.SendText(c.ID, text); return err }
	}
	sends := func(kind string) act {
		return func(c *harness.Chat) error {
			_, err := sim.SendMedia(c.ID, simulator.Media{Kind: kind, Caption: "20417733", Phone: "+996700123456"})
			return err
		}
	}
	const unread = "I read text only"
	tests := []struct {
		name string
		do   act
		want string
	}{
		{"an unknown command", says("/visa"), "I do not know this command."},
		{"a bare slash", says("/"), "I do not know this command."},
		{"words", says("When will I know? Please!"), "I found no reference number in that."},
		{"a word of thanks", says("Thanks"), "Send me your reference number"},
		{"too few digits", says("204177"[:5]), "You typed 5 letters and digits."},
		{"too many digits", says("2041773320417733204177332"), "You typed 25 letters and digits."},
		{"other letters", says("2041773Ж"), "Enter only the letters A to Z and digits"},
		{"markup", says("<b>20417733</b>"), "I found no reference number in that."},
		{"a deep link that was never made", says("/start AAAAAAAAAAAAAAAAAAAAAA"), "This link has been used before, or is too old."},
		{"a photo", sends("photo"), unread},
		{"a file", sends("document"), unread},
		{"a voice message", sends("voice"), unread},
		{"a contact", sends("contact"), unread},
		{"a place", sends("location"), unread},
		{"a sticker", sends("sticker"), unread},
	}
	chats := make([]*harness.Chat, len(tests))
	for i, tt := range tests { // all at once, each in a chat of its own: a chat is answered once a second
		chats[i] = harness.NewChat(t, sim, "en")
		if err := tt.do(chats[i]); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
	}
	for i, tt := range tests {
		if m := chats[i].Next(); !strings.Contains(m.Text, tt.want) {
			t.Errorf("%s: want %q, got\n%s", tt.name, tt.want, m.Text)
		}
	}
	s.Settled(sim)
	for i, tt := range tests {
		if got := chats[i].Unread(); len(got) > 0 {
			t.Errorf("%s is answered twice, the second time by\n%s", tt.name, got[0].Text)
		}
	}

	group := sim.AddGroup(simulator.Group{Title: "Family"})
	if _, err := sim.SendText(group, "@"+sim.BotUsername()+" 20417733"); err != nil {
		t.Fatal(err)
	}
	harness.Known(t, sim, group).NextWith("I answer in private chats only")
}
