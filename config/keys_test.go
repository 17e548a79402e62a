package config_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"reflect"
	"testing"

	"kabarchy/config"
)

func TestAKeyIsReadInEveryEncoding(t *testing.T) {
	secret := []byte{0xfb, 0xff, 0xfe}
	for len(secret) < 35 {
		secret = append(secret, byte(len(secret)))
	}
	for name, encoded := range map[string]string{
		"base64":                 base64.StdEncoding.EncodeToString(secret),
		"base64 without padding": base64.RawStdEncoding.EncodeToString(secret),
		"base64url":              base64.URLEncoding.EncodeToString(secret),
		"base64url, no padding":  base64.RawURLEncoding.EncodeToString(secret),
		"hex":                    hex.EncodeToString(secret),
		"hex in capitals":        string(bytes.ToUpper([]byte(hex.EncodeToString(secret)))),
	} {
		keys, err := config.ParseKeys("a:" + encoded)
		if err != nil || len(keys) != 1 || keys[0].Secret.Reveal() != string(secret) {
			t.Errorf("%s: got %d keys, %v", name, len(keys), err)
		}
	}
}

func TestAListOfKeysIsReadAsItIsWritten(t *testing.T) {
	var keys config.Keys
	for _, id := range []string{"2026-10", "2026-04", "a-16-letters-max"} {
		k, err := config.NewKey(id)
		if err != nil || len(k.Secret.Reveal()) != config.KeyBytes {
			t.Fatalf("NewKey(%s) = %v, %v", id, k, err)
		}
		keys = append(keys, k)
	}
	got, err := config.ParseKeys(keys.Reveal())
	if err != nil || !reflect.DeepEqual(got, keys) {
		t.Errorf("ParseKeys of %d keys revealed = %v, %v", len(keys), got, err)
	}
	oneToALine := bytes.ReplaceAll([]byte(keys.Reveal()), []byte(","), []byte("\r\n"))
	got, err = config.ParseKeys("\n" + string(oneToALine) + "\n")
	if err != nil || !reflect.DeepEqual(got, keys) {
		t.Errorf("ParseKeys of one key to a line = %v, %v", got, err)
	}
	if keys[0].Secret.Reveal() == keys[1].Secret.Reveal() {
		t.Error("two new keys are the same")
	}
}

func TestAKeyNeedsAnID(t *testing.T) {
	for _, id := range []string{"", "A", "a_b", "seventeen-letters", "é"} {
		if k, err := config.NewKey(id); err == nil || !k.Secret.IsZero() {
			t.Errorf("NewKey(%q) = %v, %v", id, k, err)
		}
	}
}

func TestNoTextIsNoKeys(t *testing.T) {
	for _, text := range []string{"", " ", "\n"} {
		if keys, err := config.ParseKeys(text); err != nil || len(keys) != 0 {
			t.Errorf("ParseKeys(%q) = %v, %v", text, keys, err)
		}
	}
}
