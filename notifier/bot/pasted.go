package bot

import (
	"context"

	"kabarchy/visa"
)

// maxFaults is of how many lines an answer says what is wrong with them.
const maxFaults = 30

// pasted follows the references of a list at once, each with the name beside
// it, and says in one message what became of them, but not where each stands.
// Each costs what looking it up would. before is how many lines of the message
// stood before the list.
func (b *Bot) pasted(ctx context.Context, c visa.Conversation, list visa.List, before int) error {
	p := visa.Pasted{Parts: list.Parts, Unread: list.Unread}
	_, all, err := c.Subscriptions(ctx, 0, 1)
	if err != nil {
		return err
	}
	unfound, err := c.Unfound(ctx)
	if err != nil {
		return err
	}
	for _, line := range list.Lines {
		if line.Wrong != nil {
			p.Bad++
			if len(p.Faults) < maxFaults {
				f := visa.PastedFault{Line: line.Number + before, Fault: line.Wrong.Fault, N: line.Wrong.N}
				f.Want, f.Digits = exact(line.Wrong)
				p.Faults = append(p.Faults, f)
			}
			continue
		}
		s, sub, wait, err := b.learn(ctx, c, line.Reference)
		switch {
		case err != nil:
			return err
		case s == refused:
			p.Refused++
			p.Minutes = max(p.Minutes, minutes(wait))
			continue
		case s == followed:
			p.Already++
		case all >= visa.MaxFollowed:
			p.Full++
			continue
		case s == unknown && unfound >= visa.MaxUnknown:
			p.Unknown++
			continue
		default:
			if sub, _, err = c.Follow(ctx, line.Reference); err != nil {
				return err
			}
			all++
			if s == unknown {
				unfound++
				p.Waiting++
			} else {
				p.Followed++
			}
		}
		if _, err := name(ctx, c, sub, line.Label); err != nil {
			return err
		}
	}
	return c.Reply(ctx, visa.Note{Reply: visa.ReplyPasted, Pasted: &p})
}
