package store

import (
	"context"

	"kabarchy/visa"
)

// sealLabel encrypts the name that a chat gave a reference: as a rule it is
// somebody's name.
func (k *Keyring) sealLabel(label string) string {
	if label == "" {
		return ""
	}
	return k.sealAs(sealedLabel, label)
}

// openLabel reverses sealLabel. A label that does not open is left out: what
// it stands beside says enough without it.
func (k *Keyring) openLabel(sealed string) string {
	if sealed == "" {
		return ""
	}
	label, err := k.openAs(sealedLabel, sealed)
	if err != nil {
		return ""
	}
	return label
}

func (c *conversation) SetLabel(ctx context.Context, s visa.Subscription, label string) error {
	_, err := c.t.exec(ctx, `UPDATE subscriptions SET label = $1 WHERE id = $2 AND chat = $3`,
		c.s.o.Keys.sealLabel(visa.CleanLabel(label)), s.ID, c.chat.ID)
	return err
}

// resealLabels seals a chat's labels under the newest key, as the chat itself
// is when it writes.
func (t *tx) resealLabels(ctx context.Context, keys *Keyring, chat int64) error {
	all, err := t.subscriptionsOf(ctx, chat)
	if err != nil {
		return err
	}
	for _, s := range all {
		label := keys.openLabel(s.Label)
		if label == "" {
			continue
		}
		if _, err := t.exec(ctx, `UPDATE subscriptions SET label = $1 WHERE id = $2`, keys.sealLabel(label), s.ID); err != nil {
			return err
		}
	}
	return nil
}
