package visa

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendUpdate appends u as one JSON object without a line break, in the form
// that ParseUpdate reads; what is absent is left out. The reference and the
// proof stand there whole. A counted update has no version on the wire, and so
// cannot be read back as it is.
func AppendUpdate(b []byte, u Update) []byte {
	b = append(b, `{"reference":`...)
	b = appendString(b, u.Reference.String())
	if u.Version != 0 {
		b = append(b, `,"version":`...)
		b = strconv.AppendInt(b, u.Version, 10)
	}
	if !u.UpdatedAt.IsZero() {
		b = append(b, `,"updated_at":"`...)
		b = u.UpdatedAt.AppendFormat(b, time.RFC3339Nano)
		b = append(b, '"')
	}
	b = appendMember(b, "procedure", string(u.Procedure))
	b = appendMember(b, "campaign", u.Campaign)
	b = appendMember(b, "stage", string(u.Stage))
	b = appendMember(b, "outcome", string(u.Outcome))
	if d := u.Document; !d.IsZero() {
		b = append(b, `,"document":{"kind":`...)
		b = appendString(b, string(d.Kind))
		b = appendMember(b, "valid_from", d.ValidFrom.String())
		b = appendMember(b, "valid_until", d.ValidUntil.String())
		b = append(b, '}')
	}
	for i, d := range u.Deadlines {
		if i == 0 {
			b = append(b, `,"deadlines":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(b, `{"kind":`...)
		b = appendString(b, string(d.Kind))
		b = appendMember(b, "date", d.Date.String())
		if d.Calculated {
			b = append(b, `,"calculated":true`...)
		}
		b = append(b, '}')
		if i == len(u.Deadlines)-1 {
			b = append(b, ']')
		}
	}
	b = appendMember(b, "submitted_on", u.SubmittedOn.String())
	b = appendMember(b, "reason", u.Reason)
	b = appendMember(b, "proof", u.Proof)
	return append(b, '}')
}

// appendMember appends a member after another one, and nothing if it is empty.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
