package test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"kabarchy/test/harness"
)

// zeros are the first digits of the scripts that people's keyboards have.
var zeros = []rune{'0', '０', '٠', '۰', '०', '০', '๐', '߀', '０'}

// ornaments are what people put around or into a number.
var ornaments = []string{
	" ", "  ", "-", "–", "—", "−", ".", "/", "\\", "(", ")", "[", "]", "№", "№ ", "#", "_", "·", "\t", "\n",
	"\u00a0", "\u2009", "\u202f", "\u3000", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u200f", "\u202a", "\u202c",
}

const latinLook, cyrillicLook = "ABCEHKMOPTX", "АВСЕНКМОРТХ"

// spell writes a canonical reference as somebody may.
func spell(rnd *rand.Rand, reference string) string {
	var b strings.Builder
	adorn := func() {
		for rnd.IntN(3) == 0 {
			b.WriteString(ornaments[rnd.IntN(len(ornaments))])
		}
	}
	script := zeros[rnd.IntN(len(zeros))]
	for _, c := range reference {
		adorn()
		if i := strings.IndexRune(latinLook, c); i >= 0 && rnd.IntN(3) == 0 {
			c = []rune(cyrillicLook)[i]
		}
		switch {
		case c >= '0' && c <= '9':
			if rnd.IntN(8) == 0 { // a keyboard changed midway
				script = zeros[rnd.IntN(len(zeros))]
			}
			c += script - '0'
		case c < 128 && rnd.IntN(4) == 0:
			c += 'Ａ' - 'A'
		}
		if rnd.IntN(2) == 0 {
			c = unicode.ToLower(c)
		}
		b.WriteRune(c)
	}
	adorn()
	return b.String()
}

// percent encodes all of s but what need not be, and some of that too.
func percent(rnd *rand.Rand, s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if (c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-') && rnd.IntN(4) > 0 {
			b.WriteByte(c)
		} else if rnd.IntN(2) == 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func TestEverySpellingFindsTheSameApplication(t *testing.T) {
	t.Parallel()
	s := harness.New(t, harness.Options{Settings: map[string]string{"RATE_LIMIT": "0"}})
	key := s.Key("register", "updates")
	s.Start()
	references := []string{"00417733", "0EH41XM0"}
	for _, r := range references {
		s.Push(key, decided(r, 1))
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const spellings, clients = 10_000, 4
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(n)))
			for i := range spellings / clients {
				want := references[i%len(references)]
				spelling := spell(rnd, want)
				r := harness.Request{Method: http.MethodGet, Path: "/v1/applications/" + percent(rnd, spelling)}
				if i%10 == 0 {
					body, _ := json.Marshal(map[string]string{"reference": spelling})
					r = harness.Request{Method: http.MethodPost, Path: "/v1/lookups", Type: harness.JSON, Body: string(body)}
				}
				a, err := s.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				if got := (harness.Application{}); a.Status != 200 || json.Unmarshal(a.Body, &got) != nil || got.Reference != want {
					t.Errorf("%s as %q (%s) gives %d\n%s", want, spelling, r.Path, a.Status, a.Body)
					return
				}
			}
		})
	}
	wg.Wait()

	// Zeros count: without one of them it is another number.
	for _, other := range []string{"0417733", "417733", "000417733"} {
		if a := s.Get("/v1/applications/" + other); a.Status != http.StatusNotFound {
			t.Errorf("%s gives %d, want 404", other, a.Status)
		}
	}
}
