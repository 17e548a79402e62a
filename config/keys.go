package config

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// KeyBytes is the length of the keys that NewKey makes, and the least that
// ParseKeys accepts.
const KeyBytes = 32

// A Key is a master key for MACs and encryption. The id stands beside whatever
// was made with it, and is no secret. A Key prints as its id and a mask.
type Key struct {
	ID     string // 1 to 16 of a-z0-9-
	Secret Secret // at least KeyBytes, as they are
}

// Keys are the keys in use, newest first: the first makes, all verify.
type Keys []Key

// NewKey returns a random key of KeyBytes. Its only error is an id that is none.
func NewKey(id string) (Key, error) {
	if !aKeyID.MatchString(id) {
		return Key{}, fmt.Errorf("config: key id %q: want 1 to 16 of a-z0-9-", id)
	}
	key := make([]byte, KeyBytes)
	rand.Read(key) // never fails
	return Key{ID: id, Secret: NewSecret(string(key))}, nil
}

var aKeyID = regexp.MustCompile(`^[a-z0-9-]{1,16}$`)

// ParseKeys reads a list of id:key with commas or line ends between. A key is
// hex, or base64 in either alphabet, padded or not. No text is no keys, and no
// error; an error never holds anything of a key.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	seen := map[string]bool{}
	for item := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		id, encoded, _ := strings.Cut(item, ":")
		n := len(keys) + 1
		if !aKeyID.MatchString(id) {
			return nil, fmt.Errorf("key %d of the list has no id before a colon", n)
		}
		if seen[id] {
			return nil, fmt.Errorf("key %d of the list has the id of an earlier one", n)
		}
		key, err := decodeKey(encoded)
		if err != nil {
			return nil, fmt.Errorf("key %d of the list %w", n, err)
		}
		seen[id] = true
		keys = append(keys, Key{ID: id, Secret: NewSecret(string(key))})
	}
	return keys, nil
}

// decodeKey completes "key 1 of the list …".
func decodeKey(encoded string) ([]byte, error) {
	// Hex of this length is base64 too, by letter; nobody's random base64 is hex.
	key, err := hex.DecodeString(encoded)
	if err != nil {
		bare := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(encoded, "="))
		key, err = base64.RawStdEncoding.DecodeString(bare)
	}
	if err != nil {
		return nil, errors.New("is neither base64 nor hex")
	}
	if len(key) < KeyBytes {
		return nil, fmt.Errorf("has %d bytes of at least %d", len(key), KeyBytes)
	}
	if strings.Count(string(key), string(key[:1])) == len(key) {
		return nil, errors.New("is one byte over and over, and no secret")
	}
	return key, nil
}

// Reveal returns the list as ParseKeys reads it, secrets and all.
func (ks Keys) Reveal() string {
	items := make([]string, len(ks))
	for i, k := range ks {
		items[i] = k.ID + ":" + base64.RawURLEncoding.EncodeToString([]byte(k.Secret.Reveal()))
	}
	return strings.Join(items, ",")
}

// String returns the ids, with a mask for each key.
func (ks Keys) String() string {
	items := make([]string, len(ks))
	for i, k := range ks {
		items[i] = k.String()
	}
	return strings.Join(items, ",")
}

// String returns the id and a mask.
func (k Key) String() string { return k.ID + ":" + mask }

// GoString returns what String does.
func (k Key) GoString() string { return k.String() }

// Format writes what String returns, whatever the verb and its flags.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalText returns what String does; JSON uses it too.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue returns what String does.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
