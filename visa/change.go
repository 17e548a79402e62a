package visa

import "slices"

// A Change is what differs between what was known of an application and what
// is known now, as far as an applicant would care.
type Change struct {
	Appeared  bool // the reference was not known before
	Stage     bool
	Outcome   bool
	Document  bool
	Reason    bool
	Procedure bool
	Deadlines bool
}

// Compare says what an update changed. known is nil if the reference was not
// known before.
func Compare(known *Application, now Statement) Change {
	if known == nil {
		return Change{Appeared: true}
	}
	return Change{
		Stage:     known.Stage != now.Stage,
		Outcome:   known.Outcome != now.Outcome,
		Document:  known.Document != now.Document,
		Reason:    known.Reason != now.Reason,
		Procedure: known.Procedure != now.Procedure,
		Deadlines: !slices.Equal(known.Deadlines, now.Deadlines),
	}
}

// Visible reports whether followers are told. A new version that only says
// again what was said, or moves a filing date or a campaign, is not told.
func (c Change) Visible() bool { return c != Change{} }

// Names lists what changed, in the words of the API; "appeared" stands alone.
func (c Change) Names() []string {
	var names []string
	for _, f := range []struct {
		set  bool
		name string
	}{
		{c.Appeared, "appeared"}, {c.Stage, "stage"}, {c.Outcome, "outcome"}, {c.Document, "document"},
		{c.Reason, "reason"}, {c.Procedure, "procedure"}, {c.Deadlines, "deadlines"},
	} {
		if f.set {
			names = append(names, f.name)
		}
	}
	return names
}
