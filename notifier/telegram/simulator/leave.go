package simulator

import (
	"context"
	"fmt"
	"slices"
)

// membershipLocked tells the bot that its own standing in a chat changed.
func (s *Simulator) membershipLocked(c *chat, old, now string, a act) int {
	member := func(status string) wireMember {
		m := wireMember{User: s.bot, Status: status}
		if status == "kicked" {
			m.Until = new(int64)
		}
		return m
	}
	return s.enqueueLocked("my_chat_member", wireUpdate{Member: &wireMembership{
		Chat: c.wired, From: c.Person, Date: s.now().Unix(), Old: member(old), New: member(now),
	}}, a.updateID)
}

// setState moves a chat from one of the states to another. With a new standing
// of the bot it is told so.
func (s *Simulator) setState(chat int64, from []State, to State, old, now string, opts []Option) (Sent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, _, a, err := s.beginLocked(chat, opts)
	if err != nil {
		return Sent{}, err
	}
	if !slices.Contains(from, c.State) {
		return Sent{}, fmt.Errorf("%w: %s", ErrNotNow, c.State)
	}
	c.State = to
	s.touchLocked(c)
	if now == "" {
		return Sent{}, nil
	}
	return Sent{UpdateID: s.membershipLocked(c, old, now, a)}, nil
}

// Block has the person block the bot, or the group throw it out: the bot gets a
// my_chat_member update, and 403 from then on.
func (s *Simulator) Block(chat int64, opts ...Option) (Sent, error) {
	return s.setState(chat, []State{StateActive, StateStranger}, StateBlocked, "member", "kicked", opts)
}

// Unblock undoes Block. Telegram's own clients send /start right after it;
// whoever wants that calls Start.
func (s *Simulator) Unblock(chat int64, opts ...Option) (Sent, error) {
	return s.setState(chat, []State{StateBlocked}, StateActive, "kicked", "member", opts)
}

// Deactivate closes the person's account: 403, and no update.
func (s *Simulator) Deactivate(chat int64) error {
	_, err := s.setState(chat, []State{StateActive, StateStranger, StateBlocked}, StateDeactivated, "", "", nil)
	return err
}

// DeleteChat makes the chat unknown to the bot: 400, and no update. What was
// said in it can still be read here.
func (s *Simulator) DeleteChat(chat int64) error {
	_, err := s.setState(chat, []State{StateActive, StateStranger, StateBlocked, StateDeactivated, StateMigrated}, StateDeleted, "", "", nil)
	return err
}

// Migrate turns a group into a supergroup with a new id, which it returns; to 0
// chooses one. The old id is refused with migrate_to_chat_id from then on, and
// the bot gets the two service messages.
func (s *Simulator) Migrate(group, to int64) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, who, _, err := s.beginLocked(group, nil)
	if err != nil {
		return 0, err
	}
	if c.Type != "group" || c.State != StateActive {
		return 0, fmt.Errorf("%w: %s, %s", ErrNotNow, c.Type, c.State)
	}
	if to == 0 {
		to = s.newGroupIDLocked(true)
	}
	next := s.addChatLocked(&chat{
		Chat:    Chat{ID: to, Type: "supergroup", Title: c.Title, Person: c.Person, State: StateActive},
		members: c.members,
	})
	c.State, c.MigratedTo = StateMigrated, to
	for _, m := range []*Message{
		{Chat: group, Kind: "service", migrated: migration{To: to}},
		{Chat: to, Kind: "service", migrated: migration{From: group}},
	} {
		in := c
		if m.Chat == to {
			in = next
		}
		m.From, m.At, m.ID = who, s.now(), s.newMessageIDLocked()
		s.addPostLocked(in, m)
		s.enqueueLocked("message", wireUpdate{Message: m.wire(in.wired)}, 0)
	}
	return to, nil
}

// WaitAnswer returns the bot's answer to a pressed button.
func (s *Simulator) WaitAnswer(ctx context.Context, queryID string) (CallbackAnswer, error) {
	var found CallbackAnswer
	err := s.wait(ctx, func() bool {
		for _, c := range s.chats {
			for _, a := range c.answers {
				if a.Query == queryID {
					found = a
					return true
				}
			}
		}
		return false
	})
	return found, err
}
