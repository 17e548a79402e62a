package visa

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Errors of announcements that edges tell apart.
var (
	// ErrRequestUsed: the request belongs to an announcement with other texts or
	// another audience.
	ErrRequestUsed = errors.New("the request was used for another announcement")
	// ErrEnded: the announcement is done or cancelled, and stays so.
	ErrEnded = errors.New("the announcement has ended")
)

// MaxRequest is the most characters of an announcement's Request.
const MaxRequest = 100

// Ended reports whether nothing changes an announcement of this state any more.
func (s AnnouncementState) Ended() bool { return s == AnnouncementCancelled || s == AnnouncementDone }

// IsZero reports whether the audience is every chat.
func (a Audience) IsZero() bool { return a == Audience{} }

// Validate says what is wrong with an audience, as a *FieldError.
func (a Audience) Validate() error {
	if !validCampaign(a.Campaign) {
		return &FieldError{"audience.campaign", "must be a slug of at most 64 small letters, digits and single dashes, such as legalization-2025"}
	}
	if a.Procedure != "" {
		if err := word("audience.procedure", a.Procedure, Procedures); err != nil {
			return err
		}
	}
	if a.Stage != "" {
		return word("audience.stage", a.Stage, Stages)
	}
	return nil
}

// Normalize brings texts that say the same into one form: ends of lines as
// Unix has them, no space around.
func (a *Announcement) Normalize() {
	for lang, text := range a.Texts {
		a.Texts[lang] = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	}
}

// Validate says what is wrong with what somebody asks for (request, texts and
// audience, normalized), as a *FieldError. languages are the codes that there
// are.
func (a Announcement) Validate(languages []string) error {
	if n := utf8.RuneCountInString(a.Request); n > MaxRequest || strings.ContainsFunc(a.Request, unprintable) {
		return &FieldError{"request", fmt.Sprintf("must be at most %d printable characters", MaxRequest)}
	}
	if len(a.Texts) == 0 {
		return &FieldError{"texts", "is empty; state a text in at least one of the languages " + strings.Join(languages, ", ")}
	}
	for _, lang := range codes(a.Texts) {
		if !slices.Contains(languages, lang) {
			return &FieldError{"texts", fmt.Sprintf("holds the language %q; the languages are %s", clip(lang), strings.Join(languages, ", "))}
		}
		if problem := badText(a.Texts[lang]); problem != "" {
			return &FieldError{"texts." + lang, problem}
		}
	}
	return a.Audience.Validate()
}

// badText says what is wrong with a text, or nothing.
func badText(s string) string {
	switch n := Units(s); {
	case !strings.ContainsFunc(s, seen):
		return fmt.Sprintf("is empty; write 1 to %d characters", MaxAnnouncement)
	case n > MaxAnnouncement:
		return fmt.Sprintf("has %d characters, as Telegram counts them (an emoji is two or more); write at most %d", n, MaxAnnouncement)
	case !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError):
		return "holds what is no text in UTF-8; save it as UTF-8"
	}
	for _, r := range s {
		switch {
		case r == '\n':
		case unicode.IsControl(r):
			return fmt.Sprintf("holds the control character %U; of these only ends of lines may stand in it", r)
		case r >= '\u202a' && r <= '\u202e':
			return fmt.Sprintf("holds %U, which turns the direction of what follows; leave it out", r)
		}
	}
	return ""
}

// seen reports whether a character leaves anything to be seen.
func seen(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r)
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }

// Units counts the characters of a text as Telegram does: in UTF-16 code units.
func Units(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// TextFor returns which of an announcement's texts a chat of a language gets,
// and the text's language: its own, or else the Russian or the English one, or
// else the first by code. Both are "" where there are no texts.
func TextFor(texts map[string]string, language string) (text, code string) {
	for _, lang := range append([]string{language, "ru", "en"}, codes(texts)...) {
		if text, ok := texts[lang]; ok {
			return text, lang
		}
	}
	return "", ""
}

func codes(texts map[string]string) []string {
	all := make([]string, 0, len(texts))
	for lang := range texts {
		all = append(all, lang)
	}
	slices.Sort(all)
	return all
}
