package cli

import (
	"fmt"
	"log/slog"
	"time"

	"kabarchy/config"
	"kabarchy/guidance"
	"kabarchy/i18n"
)

// guidanceLook is how often the file of guidance is looked at.
const guidanceLook = 5 * time.Second

// openGuidance reads the configured file of guidance; nil where none is.
func openGuidance(c config.Config, log *slog.Logger) (*guidance.Source, error) {
	if c.Guidance == "" {
		return nil, nil
	}
	var languages []string
	for _, one := range i18n.Default().All() {
		languages = append(languages, one.Code())
	}
	s, err := guidance.Open(c.Guidance, languages, log)
	if err != nil {
		return nil, fmt.Errorf("GUIDANCE=%s: %w", c.Guidance, err)
	}
	for lang, n := range s.Current().Missing(languages) {
		log.Warn("the guidance has entries without a text in a language; its readers are shown the portal instead", "language", lang, "entries", n)
	}
	return s, nil
}
