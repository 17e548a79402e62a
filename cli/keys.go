package cli

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

type keysCommand struct {
	Create keysCreate `cmd:"" help:"Make a key and print it, once and alone, on standard output."`
	List   keysList   `cmd:"" help:"List keys: never the keys themselves."`
	Revoke keysRevoke `cmd:"" help:"Revoke a key, at once."`
}

type keysCreate struct {
	Name    string        `required:"" help:"Whose key it is, for the audit." placeholder:"NAME"`
	Scope   []string      `required:"" help:"What it may do: updates, lookups, announce, audit. Can be repeated." placeholder:"SCOPE"`
	Expires time.Duration `help:"How long it is good for, such as 8760h; for ever if not given." placeholder:"DURATION"`
}

// keyPrefix lets scanners for leaked secrets find one.
const keyPrefix = "kab_"

var keyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}$`)

func (k keysCreate) Run(ctx context.Context, a *app) error {
	if !keyName.MatchString(k.Name) {
		return unusable("--name %q: a name has 1 to 64 letters A to Z, digits, spaces or ._@-", k.Name)
	}
	if k.Expires < 0 {
		return unusable("--expires %s: a duration from now on, such as 8760h, is needed", k.Expires)
	}
	scopes, err := parseScopes(k.Scope)
	if err != nil {
		return err
	}
	s, err := a.store(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	text, key := newKey(k.Name, scopes)
	if k.Expires > 0 {
		key.ExpiresAt = time.Now().Add(k.Expires)
	}
	if err := s.AddKey(ctx, key); errors.Is(err, store.ErrKeyName) {
		return unusable("a key named %q exists; revoke it first, or choose another name", k.Name)
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, text)
	return err
}

func parseScopes(words []string) ([]visa.Scope, error) {
	var scopes []visa.Scope
	for _, w := range words {
		for part := range strings.SplitSeq(w, ",") {
			s := visa.Scope(strings.TrimSpace(part))
			if !slices.Contains(visa.Scopes, s) {
				return nil, unusable("--scope %q: the scopes are updates, lookups, announce and audit", part)
			}
			if !slices.Contains(scopes, s) {
				scopes = append(scopes, s)
			}
		}
	}
	return scopes, nil
}

// newKey returns a new key of 256 random bits and what is kept of it.
func newKey(name string, scopes []visa.Scope) (string, visa.Key) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	text := keyPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	return text, visa.Key{Name: name, Scopes: scopes, Hash: sha256.Sum256([]byte(text))}
}

type keysList struct{}

func (keysList) Run(ctx context.Context, a *app) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	s, err := openStore(ctx, c, a.logger(c))
	if err != nil {
		return err
	}
	defer s.Close()
	keys, err := s.Keys(ctx)
	if err != nil {
		return err
	}
	used, err := s.KeyUse(ctx)
	if err != nil {
		return err
	}
	when := func(t time.Time, none string) string {
		if t.IsZero() {
			return none
		}
		return t.In(c.Timezone).Format("2006-01-02 15:04")
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSCOPES\tMADE\tEXPIRES\tLAST USED\tREVOKED")
	for _, k := range keys {
		scopes := make([]string, len(k.Scopes))
		for i, s := range k.Scopes {
			scopes[i] = string(s)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.Name, strings.Join(scopes, ","), when(k.CreatedAt, ""),
			when(k.ExpiresAt, "never"), when(used[k.ID], "never"), when(k.RevokedAt, "no"))
	}
	return w.Flush()
}

type keysRevoke struct {
	Name string `arg:"" help:"The key's name."`
}

func (k keysRevoke) Run(ctx context.Context, a *app) error {
	s, err := a.store(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.RevokeKey(ctx, k.Name); errors.Is(err, visa.ErrNotFound) {
		return unusable("there is no key named %q that is not revoked; see: kabarchy keys list", k.Name)
	} else if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "The key %q is revoked.\n", k.Name)
	return nil
}

// store opens the database of the settings.
func (a *app) store(ctx context.Context) (*store.Store, error) {
	c, err := a.load()
	if err != nil {
		return nil, err
	}
	return openStore(ctx, c, a.logger(c))
}
