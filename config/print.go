package config

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// A line is what Print shows of one setting.
type line struct{ name, shown, source string }

// Print writes the settings in effect, one to a line and in the order of the
// table: NAME=value, two blanks, # and where the value came from. Passwords and
// secrets are hidden; but for those, what it writes can be read as a settings
// file. It fails as w does.
func (c Config) Print(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, l := range c.lines {
		shown := l.shown
		if oneLine(shown) != nil {
			shown = strconv.Quote(shown) // a wrong value, which no file could give
		} else {
			shown = quoted(shown)
		}
		fmt.Fprintf(b, "%s=%s  # %s\n", l.name, shown, l.source)
	}
	return b.Flush()
}
