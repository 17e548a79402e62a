package bot_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kabarchy/notifier/bot"
	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

// ornaments are what people put around and into numbers.
var ornaments = []string{" ", "-", ".", "/", "#", "№", "(", ")", "[", "]", "\n", "\t", "\u00a0", "\u200b", "\u200e", "\u2060", "–", "—", "_", "·", "／", "（"}

// spellings of each character of EV040317: other cases, widths, scripts.
var spellings = map[byte][]string{
	'E': {"E", "e", "Е", "е", "Ｅ", "ｅ"}, 'V': {"V", "v", "Ｖ", "ｖ"},
	'0': {"0", "０", "٠", "۰", "०", "০"}, '1': {"1", "１", "١", "۱", "१", "১"}, '3': {"3", "３", "٣", "۳", "३", "৩"},
	'4': {"4", "４", "٤", "۴", "४", "৪"}, '7': {"7", "７", "٧", "۷", "७", "৭"},
}

func spell(random *rand.Rand, reference string) string {
	var b strings.Builder
	decorate := func() {
		for random.IntN(3) == 0 {
			b.WriteString(ornaments[random.IntN(len(ornaments))])
		}
	}
	decorate()
	for i := range len(reference) {
		all := spellings[reference[i]]
		b.WriteString(all[random.IntN(len(all))])
		decorate()
	}
	return b.String()
}

func TestTenThousandSpellingsFindOneApplication(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	const reference = "EV040317"
	b := newBot(bot.Options{})
	w := newWorld(reference)
	in := []string{"%s", "/status %s", "/STATUS@KabarchyBot\n%s"}
	for range 10_000 {
		typed := fmt.Sprintf(in[random.IntN(len(in))], spell(random, reference))
		if got := say(t, b, w, me, text(typed)); got.Reply != visa.ReplyStatus || got.Reference.String() != reference {
			t.Fatalf("%q is answered by %q", typed, got.Reply)
		}
	}
}

func FuzzHandle(f *testing.F) {
	for _, s := range []string{"/start", "/start abc", "/follow 20417733", "2041-7733", "/stop\n20417733", "/list@x", "/language ru", "<b>", "/\u200b", "thanks", "20417733 Aziz\nAnna: 99999999", "/follow\n20417733;x\n99999999"} {
		f.Add(s, "")
	}
	for _, s := range []string{"f:0000000000000000000101", "u:101", "s:-1", "l:99999999999999999999", "g:ru", "x", "k", "h", "gl", ":", "u:", "o", "sn:1", "sd:2", "sm:24", "sm:-1", "hb:"} {
		f.Add("", s)
	}
	f.Fuzz(func(t *testing.T, typed, data string) {
		b := newBot(bot.Options{Misses: newBudget(1, time.Minute)})
		w := newWorld(knownRef)
		follows(w, somebody, 1) // subscription 101
		for _, u := range []telegram.Update{text(typed), press(data), text(typed)} {
			n := say(t, b, w, me, u)
			if n.Reply == "" {
				t.Fatalf("%q has no answer", u.Text+u.Data)
			}
			harmless(t, u.Text+u.Data, n)
		}
		if len(w.chats[somebody].follows) != 1 {
			t.Fatal("somebody else's subscription is gone")
		}
	})
}
