package harness

import (
	"context"
	"strings"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
)

// Token is the bot's, the only one that the simulated Telegram lets in.
const Token = "123456:test-AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"

// Telegram starts a simulated Telegram for the test.
func Telegram(t testing.TB) *simulator.Simulator {
	t.Helper()
	sim := simulator.New(simulator.Options{Tokens: []string{Token}})
	if _, err := sim.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Errorf("close the simulated Telegram: %v", err)
		}
	})
	return sim
}

// A Chat is a person's private chat with the bot, read message by message.
type Chat struct {
	ID  int64
	t   testing.TB
	sim *simulator.Simulator
	seq int64 // of the last message read
}

// NewChat makes a person who speaks a language and has started the bot.
func NewChat(t testing.TB, sim *simulator.Simulator, language string) *Chat {
	return &Chat{ID: sim.AddUser(simulator.User{LanguageCode: language}), t: t, sim: sim}
}

// Known is a chat that exists in the simulated Telegram.
func Known(t testing.TB, sim *simulator.Simulator, id int64) *Chat {
	return &Chat{ID: id, t: t, sim: sim}
}

// Send writes to the bot.
func (c *Chat) Send(text string) {
	c.t.Helper()
	if _, err := c.sim.SendText(c.ID, text); err != nil {
		c.t.Fatal(err)
	}
}

// Ask writes to the bot and returns what it answers.
func (c *Chat) Ask(text string) simulator.Message {
	c.t.Helper()
	c.Send(text)
	return c.Next()
}

// Press presses a button of a message, by its data or text, and returns what
// the bot answers.
func (c *Chat) Press(m simulator.Message, button string) simulator.Message {
	c.t.Helper()
	if _, err := c.sim.Press(c.ID, m.ID, button); err != nil {
		c.t.Fatalf("%v\nin:\n%s\n%v", err, m.Text, m.Buttons)
	}
	return c.Next()
}

// NextAfterPress is Press for an answer that must hold all of texts.
func (c *Chat) NextAfterPress(m simulator.Message, button string, texts ...string) {
	c.t.Helper()
	answer := c.Press(m, button)
	for _, text := range texts {
		if !strings.Contains(answer.Text, text) {
			c.t.Errorf("the answer lacks %q:\n%s", text, answer.Text)
		}
	}
}

// Next returns the next message that the bot sends to this chat.
func (c *Chat) Next() simulator.Message {
	c.t.Helper()
	return c.NextWith("")
}

// NextWith is Next for a message that must hold all of texts.
func (c *Chat) NextWith(texts ...string) simulator.Message {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	m, err := c.sim.WaitAfter(ctx, c.seq, func(m simulator.Message) bool { return m.Chat == c.ID && !m.Edit })
	if err != nil {
		c.t.Fatalf("no message came (%v); the conversation so far:\n%s", err, c.Transcript())
	}
	c.seq = m.Seq
	for _, text := range texts {
		if !strings.Contains(m.Text, text) {
			c.t.Errorf("the message lacks %q:\n%s", text, m.Text)
		}
	}
	return m
}

// Unread returns the messages that were not read yet.
func (c *Chat) Unread() []simulator.Message {
	var out []simulator.Message
	for _, m := range c.sim.Messages(c.ID) {
		if m.Seq > c.seq {
			out = append(out, m)
		}
	}
	return out
}

// Transcript is the conversation, for people.
func (c *Chat) Transcript() string {
	var b strings.Builder
	for _, m := range c.sim.Conversation(c.ID) {
		who := "person"
		if m.FromBot {
			who = "bot"
		}
		b.WriteString(m.At.Format(time.TimeOnly) + " " + who + ": " + m.Text + "\n\n")
	}
	return b.String()
}
