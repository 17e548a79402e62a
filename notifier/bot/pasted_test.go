package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kabarchy/notifier/bot"
	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

// labels are what a chat follows, with its names for them.
func labels(w *world, chat int64) (out []string) {
	for _, s := range w.chats[chat].follows {
		out = append(out, strings.TrimSpace(s.Reference.String()+" "+s.Label))
	}
	return out
}

func TestAPastedListIsFollowedAtOnceAndAnsweredByItsNumbers(t *testing.T) {
	tests := []struct {
		name    string
		in      string
		follow  int
		want    visa.Pasted
		follows []string
	}{
		{"numbers with names, one not in the data", knownRef + " Aziz\nAnna: " + newRef, 0,
			visa.Pasted{Followed: 1, Waiting: 1}, []string{knownRef + " Aziz", newRef + " Anna"}},
		{"after /follow", "/follow " + knownRef + "\n" + otherRef + " Li", 0,
			visa.Pasted{Followed: 2}, []string{knownRef, otherRef + " Li"}},
		{"a new name for what is followed, and none", knownRef + " Aziz\n" + otherRef, 2,
			visa.Pasted{Already: 2}, []string{knownRef + " Aziz", otherRef}},
		{"the same twice", knownRef + " Aziz\n" + knownRef + " Karim", 0,
			visa.Pasted{Followed: 1, Already: 1}, []string{knownRef + " Karim"}},
		{"lines that hold none", "/follow\nMy students\n" + knownRef + "\n\n2041 Anna\n" + otherRef + "\n" + knownRef + " " + otherRef, 0,
			visa.Pasted{Followed: 2, Bad: 3, Faults: []visa.PastedFault{
				{Line: 2, Fault: visa.FaultEmpty}, {Line: 5, Fault: visa.FaultShort, N: 4}, {Line: 7, Fault: visa.FaultSeveral, N: 2}}},
			[]string{knownRef, otherRef}},
		{"too few digits with a short word, and a name that is too long", "3000 bad\n" + knownRef + " " + strings.Repeat("a", 1200) + "\n" + otherRef + " 2", 0,
			visa.Pasted{Followed: 2, Bad: 1, Faults: []visa.PastedFault{{Line: 1, Fault: visa.FaultShort, N: 4}}},
			[]string{knownRef + " " + strings.Repeat("a", visa.MaxLabel-1) + "…", otherRef + " 2"}},
		{"one line with semicolons", knownRef + "; 20; " + otherRef, 0,
			visa.Pasted{Followed: 2, Bad: 1, Parts: true, Faults: []visa.PastedFault{{Line: 2, Fault: visa.FaultShort, N: 2}}}, []string{knownRef, otherRef}},
		{"more lines than are read", knownRef + strings.Repeat("\n"+otherRef, visa.MaxPasted+1), 0,
			visa.Pasted{Followed: 2, Already: visa.MaxPasted - 2, Unread: 2}, []string{knownRef, otherRef}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(knownRef, otherRef)
			if tt.follow > 0 {
				follows(w, me, tt.follow)
			}
			got := say(t, newBot(bot.Options{}), w, me, text(tt.in))
			if d := cmp.Diff(visa.Note{Reply: visa.ReplyPasted, Pasted: &tt.want}, got, exactly); d != "" {
				t.Errorf("answer (-want +got):\n%s", d)
			}
			if got := labels(w, me); !slices.Equal(got, tt.follows) {
				t.Errorf("follows %v, want %v", got, tt.follows)
			}
		})
	}
}

// list is a list of n references from a number on.
func list(from, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d\n", from+i)
	}
	return b.String()
}

func TestAPastedListKeepsEveryLimit(t *testing.T) {
	t.Run("of unknown ones looked up", func(t *testing.T) {
		w := newWorld(knownRef, otherRef)
		b := newBot(bot.Options{Misses: newBudget(3, 90*time.Second)})
		follows(w, me, 1)
		got := say(t, b, w, me, text(list(80000001, 5)+otherRef+"\n"+knownRef+" mine"))
		if d := cmp.Diff(&visa.Pasted{Waiting: 3, Refused: 3, Minutes: 2, Already: 1}, got.Pasted); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if got := say(t, b, w, me, text(list(80000001, 3))); got.Pasted == nil || got.Pasted.Already != 3 {
			t.Errorf("the same again: %+v", got.Pasted)
		}
	})
	t.Run("of unknown ones followed", func(t *testing.T) {
		w := newWorld(knownRef)
		got := say(t, newBot(bot.Options{}), w, me, text(list(80000001, visa.MaxUnknown+4)+knownRef))
		if d := cmp.Diff(&visa.Pasted{Waiting: visa.MaxUnknown, Unknown: 4, Followed: 1}, got.Pasted); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
	t.Run("of all that are followed", func(t *testing.T) {
		w := newWorld()
		for i := range visa.MaxFollowed + 50 {
			w.known[ref(fmt.Sprint(70000001+i))] = true
		}
		b := newBot(bot.Options{Misses: newBudget(60, time.Hour)})
		for from := 70000001; from < 70000201; from += 90 {
			say(t, b, w, me, text(list(from, 90)))
		}
		if n := len(w.chats[me].follows); n != visa.MaxFollowed {
			t.Errorf("follows %d", n)
		}
		got := say(t, b, w, me, text(list(70000191, 20)))
		if d := cmp.Diff(&visa.Pasted{Already: 10, Full: 10}, got.Pasted); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

func TestNoMoreThanFiftyUnknownReferencesAreWaitedFor(t *testing.T) {
	w := newWorld(knownRef)
	b := newBot(bot.Options{})
	say(t, b, w, me, text(list(80000001, visa.MaxUnknown)))
	want := visa.Note{Reply: visa.ReplyUnknownLimit, Number: visa.MaxUnknown}
	status := say(t, b, w, me, text(newRef))
	for _, in := range []telegram.Update{text("/follow " + newRef), press("f:" + status.Token), text("/start " + w.link(newRef))} {
		if d := cmp.Diff(want, say(t, b, w, me, in), exactly); d != "" {
			t.Errorf("%s (-want +got):\n%s", in.Text+in.Data, d)
		}
	}
	if got := say(t, b, w, me, text("/follow "+knownRef)); got.Reply != visa.ReplyFollowing {
		t.Errorf("one that is known: %q", got.Reply)
	}
	say(t, b, w, me, text("/stop 80000001"))
	if got := say(t, b, w, me, text("/follow "+newRef)); got.Reply != visa.ReplyFollowing {
		t.Errorf("once there is room: %q", got.Reply)
	}
}

func TestADeepLinksAnswerRepeatsItsDigitsAndNoOtherDoes(t *testing.T) {
	b, w := newBot(bot.Options{}), newWorld(knownRef)
	token := w.link(knownRef)
	for _, tt := range []struct{ name, in, code string }{
		{"its first use", "/start " + token, "4711"},
		{"its second use", "/start " + token, ""},
		{"a link that nobody made", "/start abcdefghijklmnopqrstuv", ""},
		{"another link to what is followed", "/start " + w.link(knownRef), "4711"},
		{"a link to what is not known yet", "/start " + w.link(newRef), "4711"},
		{"a status", knownRef, ""},
	} {
		if got := say(t, b, w, me, text(tt.in)); got.Code != tt.code {
			t.Errorf("%s: the digits are %q, want %q", tt.name, got.Code, tt.code)
		}
	}
}

func TestAnAlbumAndAGroupAreAnsweredOnce(t *testing.T) {
	b, w := newBot(bot.Options{}), newWorld()
	photo := func(album string) telegram.Update {
		return telegram.Update{ID: 1, Kind: telegram.UpdateNotText, ChatID: 5, Private: true, Album: album}
	}
	group := telegram.Update{ID: 1, Kind: telegram.UpdateGroup, ChatID: -5}
	for i, tt := range []struct {
		in   telegram.Update
		want string
	}{
		{photo("1"), visa.ReplyNotText}, {photo("1"), ""}, {photo("1"), ""}, {photo("2"), visa.ReplyNotText},
		{photo(""), visa.ReplyNotText}, {photo(""), ""}, {photo("3"), visa.ReplyNotText}, {group, visa.ReplyGroup}, {group, ""},
	} {
		if got := say(t, b, w, me, tt.in); got.Reply != tt.want {
			t.Errorf("%d: answered by %q, want %q", i, got.Reply, tt.want)
		}
	}
	if w.chats[me].topics["group"] != time.Hour {
		t.Errorf("a group is answered again after %s", w.chats[me].topics["group"])
	}
	if w.chats[me].topics["files"] != time.Minute {
		t.Errorf("files are answered again after %s", w.chats[me].topics["files"])
	}
}

func TestWordsBehindAFollowedNumberAreItsLabel(t *testing.T) {
	b, w := newBot(bot.Options{}), newWorld(knownRef, otherRef)
	for _, tt := range []struct{ in, reply, follows string }{
		{"/follow " + knownRef + " brother", visa.ReplyFollowing, knownRef + " brother"},
		{"/follow " + knownRef, visa.ReplyAlready, knownRef + " brother"},
		{"/follow " + knownRef + " Bob", visa.ReplyAlready, knownRef + " Bob"},
		{"/follow " + knownRef + " 2", visa.ReplyAlready, knownRef + " 2"},
		{knownRef + " thanks", visa.ReplyStatus, knownRef + " 2"},
		{"/follow " + knownRef + " " + strings.Repeat("ab ", 300), visa.ReplyAlready, knownRef + " " + strings.TrimSpace(strings.Repeat("ab ", 13)) + "…"},
	} {
		got := say(t, b, w, me, text(tt.in))
		if f := labels(w, me); got.Reply != tt.reply || len(f) != 1 || f[0] != tt.follows {
			t.Errorf("%.40q is answered by %q, and %q followed; want %q, %q", tt.in, got.Reply, f, tt.reply, tt.follows)
		}
	}
}
