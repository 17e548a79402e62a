// Package strictjson refuses what encoding/json reads without a word: an object
// that names a member twice, of which the last would win.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Object checks that data is one JSON object, nested at most eight deep, in
// which no object names a member twice. The error names the place.
func Object(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := walk(d, "", 0); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("it ends too early; it must be one JSON object")
		}
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something stands after its end")
	}
	return nil
}

func walk(d *json.Decoder, at string, depth int) error {
	if depth > 8 {
		return errors.New("it is nested too deeply")
	}
	t, err := d.Token()
	if err != nil {
		return err
	}
	if depth == 0 && t != json.Delim('{') {
		return errors.New("it must be one JSON object")
	}
	if _, ok := t.(json.Delim); !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		inner := at
		if t == json.Delim('{') {
			k, err := d.Token()
			if err != nil {
				return err
			}
			key, _ := k.(string)
			if inner = strings.TrimPrefix(at+"."+key, "."); seen[key] {
				return fmt.Errorf("%s stands twice", inner)
			}
			seen[key] = true
		}
		if err := walk(d, inner, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
