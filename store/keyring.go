package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"kabarchy/visa"
)

// A Keyring holds the secrets that stand outside the database: what is kept of
// proofs and chats can be neither read nor tried out without them. The first
// key makes what is new; the others still open what is old.
type Keyring struct{ keys []key }

type key struct {
	id    string
	proof []byte // for MACs of proofs
	chat  []byte // for hashes of chat ids
	seal  cipher.AEAD
}

// A Secret is a key's id, which stands beside what was made with it, and the
// key itself.
type Secret struct {
	ID  string
	Key []byte // at least 32 bytes
}

// NewKeyring derives the keys for each use from secrets, newest first.
func NewKeyring(secrets []Secret) (*Keyring, error) {
	if len(secrets) == 0 {
		return nil, errors.New("store: no secret key; SECRET_KEYS must hold one")
	}
	k := &Keyring{}
	for _, s := range secrets {
		if len(s.Key) < 32 || s.ID == "" {
			return nil, fmt.Errorf("store: secret key %q must have an id and 32 bytes or more", s.ID)
		}
		block, err := aes.NewCipher(derive(s.Key, "chat seal"))
		if err != nil {
			return nil, err
		}
		seal, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		k.keys = append(k.keys, key{id: s.ID, proof: derive(s.Key, "proof"), chat: derive(s.Key, "chat hash"), seal: seal})
	}
	return k, nil
}

func derive(secret []byte, use string) []byte { return mac(secret, "kabarchy "+use) }

func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

func (k *Keyring) byID(id string) (key, bool) {
	for _, c := range k.keys {
		if c.id == id {
			return c, true
		}
	}
	return key{}, false
}

// proofMAC returns what is kept of an application's proof: a MAC under the
// newest key, bound to the reference. No proof gives the zero ProofMAC.
func (k *Keyring) proofMAC(r visa.Reference, proof string) visa.ProofMAC {
	if proof = foldProof(proof); proof == "" {
		return visa.ProofMAC{}
	}
	c := k.keys[0]
	return visa.ProofMAC{KeyID: c.id, MAC: hex.EncodeToString(mac(c.proof, r.String(), proof))}
}

// proofMatches reports in constant time whether a proof is the one kept, under
// the key it was kept with. No proof matches no proof.
func (k *Keyring) proofMatches(r visa.Reference, kept visa.ProofMAC, proof string) bool {
	proof = foldProof(proof)
	c, ok := k.byID(kept.KeyID)
	if !ok {
		c = k.keys[0] // the same work, for the same time
	}
	sum := hex.EncodeToString(mac(c.proof, r.String(), proof))
	same := hmac.Equal([]byte(sum), []byte(kept.MAC))
	if kept.IsZero() {
		return proof == ""
	}
	return ok && same && proof != ""
}

// foldProof forgives what ParseReference forgives, as far as a proof can be
// read so; anything else counts as typed, without the spaces around it.
func foldProof(s string) string {
	var b strings.Builder
	for _, r := range strings.TrimSpace(s) {
		if c, drop := visa.Fold(r); !drop {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// chatHashes returns the hashes under which a chat may stand, newest first.
func (k *Keyring) chatHashes(id int64) []string {
	var out []string
	for _, c := range k.keys {
		out = append(out, hex.EncodeToString(mac(c.chat, strconv.FormatInt(id, 10))))
	}
	return out
}

// What is sealed is bound to its use, so that one cannot be passed off as the
// other.
const (
	sealedMessage = "inbox"
	sealedLabel   = "label"
)

// sealText encrypts what people wrote until it is handled: it names their chat.
// The result begins with the id of the key.
func (k *Keyring) sealText(text string) string { return k.sealAs(sealedMessage, text) }

func (k *Keyring) sealAs(use, text string) string {
	c := k.keys[0]
	nonce := make([]byte, c.seal.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return c.id + ":" + base64.RawStdEncoding.EncodeToString(c.seal.Seal(nonce, nonce, []byte(text), []byte(use)))
}

// openText reverses sealText.
func (k *Keyring) openText(sealed string) (string, error) { return k.openAs(sealedMessage, sealed) }

func (k *Keyring) openAs(use, sealed string) (string, error) {
	id, text, _ := strings.Cut(sealed, ":")
	c, ok := k.byID(id)
	if !ok {
		return "", fmt.Errorf("store: an incoming message is sealed under key %q, which SECRET_KEYS does not hold", id)
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	if n := c.seal.NonceSize(); err == nil && len(b) >= n {
		if plain, err := c.seal.Open(nil, b[:n], b[n:], []byte(use)); err == nil {
			return string(plain), nil
		}
	}
	return "", errors.New("store: a sealed incoming message is damaged")
}

// sealChat returns a chat's id encrypted under the newest key, and that key's id.
func (k *Keyring) sealChat(id int64) (sealed, keyID string) {
	c := k.keys[0]
	nonce := make([]byte, c.seal.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	plain := binary.BigEndian.AppendUint64(nil, uint64(id))
	return base64.RawStdEncoding.EncodeToString(c.seal.Seal(nonce, nonce, plain, []byte(c.id))), c.id
}

// openChat reverses sealChat.
func (k *Keyring) openChat(sealed, keyID string) (int64, error) {
	c, ok := k.byID(keyID)
	if !ok {
		return 0, fmt.Errorf("store: a chat is sealed under key %q, which SECRET_KEYS does not hold", keyID)
	}
	b, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(b) < c.seal.NonceSize() {
		return 0, errors.New("store: a sealed chat id is damaged")
	}
	n := c.seal.NonceSize()
	plain, err := c.seal.Open(nil, b[:n], b[n:], []byte(c.id))
	if err != nil || len(plain) != 8 {
		return 0, errors.New("store: a sealed chat id does not open under its key")
	}
	return int64(binary.BigEndian.Uint64(plain)), nil
}

// checkKeys refuses keys that do not open what the database holds: with wrong
// ones nobody who follows could be reached, and everything would look well.
func (s *Store) checkKeys(ctx context.Context) error {
	rows, err := s.reader.QueryContext(ctx, `SELECT sealed, key_id FROM chats WHERE id IN (SELECT max(id) FROM chats GROUP BY key_id)`)
	return each(rows, err, func(scan func(...any) error) error {
		var sealed, id string
		if err := scan(&sealed, &id); err != nil {
			return err
		}
		if _, err := s.o.Keys.openChat(sealed, id); err != nil {
			return fmt.Errorf("the secret keys do not belong to this database (put back the key file beside it, or the SECRET_KEYS it was used with): %w", err)
		}
		return nil
	})
}
