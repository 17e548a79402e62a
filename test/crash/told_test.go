package crash

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"kabarchy/notifier/telegram/simulator"
)

// A told is what one accepted message told of one reference.
type told struct {
	simulator.Message
	wish
	version int64 // 0: not known yet
}

var (
	shownHint = regexp.MustCompile(`\d\d••••(\d\d)`)
	shownDay  = regexp.MustCompile(`(?:Last day to leave|leave by)\D*?(\d{1,2} \p{L}+ \d{4})`)
)

// tells returns the applications whose state a message shows: one in most,
// several in digests, none in answers that speak of following alone.
func tells(m simulator.Message) ([]told, error) {
	if strings.HasPrefix(m.Text, "🔕") { // no longer followed
		return nil, nil
	}
	var out []told
	at := shownHint.FindAllStringSubmatchIndex(m.Text, -1)
	for i, hint := range at {
		end := len(m.Text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		part := m.Text[hint[1]:end]
		one := told{Message: m, wish: wish{m.Chat, "204177" + m.Text[hint[2]:hint[3]]}}
		day := shownDay.FindStringSubmatch(part)
		switch {
		case day != nil:
			date, err := time.Parse("2 January 2006", day[1])
			if err != nil {
				return nil, err
			}
			one.version = int64(date.Sub(base) / (24 * time.Hour))
		case strings.Contains(m.Text, "Last day to collect"):
			continue // a reminder of that day shows nothing else
		case !strings.Contains(m.Text, "Not in our data yet"):
			return nil, fmt.Errorf("it names no day and does not say why")
		}
		out = append(out, one)
	}
	return out, nil
}
