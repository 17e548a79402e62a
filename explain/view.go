package explain

import (
	"time"

	"kabarchy/guidance"
	"kabarchy/i18n"
	"kabarchy/visa"
)

// A View is from where an application is looked at. Catalogue must be set; the
// nil Zone is UTC, and the nil Reasons has none.
type View struct {
	Catalogue *i18n.Catalogue
	Reasons   *i18n.Reasons
	Today     visa.Date // the local day that days are counted from
	AsOf      time.Time // register_as_of; zero: no complete feed yet
	Zone      *time.Location
	Guide     *guidance.Guide // nil: no advice
}

// At returns the view of an instant: its local day is Today.
func At(now time.Time, zone *time.Location, asOf time.Time, c *i18n.Catalogue, r *i18n.Reasons) View {
	v := View{Catalogue: c, Reasons: r, AsOf: asOf, Zone: zone}
	v.Today = visa.DateOf(v.local(now))
	return v
}

func (v View) local(t time.Time) time.Time {
	if v.Zone == nil {
		return t.UTC()
	}
	return t.In(v.Zone)
}

// near is a time with its year where that is not the current one.
func (v View) near(t time.Time) i18n.When {
	t = v.local(t)
	return i18n.When{Time: t, Year: t.Year() != v.Today.Time().Year()}
}

// name is the name of a code of one of the vocabulary's groups, or the code
// itself where no language has a name for it.
func name[T ~string](c *i18n.Catalogue, group string, code T) string {
	key := group + "." + string(code) + ".name"
	if code == "" || !c.Has(key) {
		return string(code)
	}
	return c.T(key)
}

// optional is the message of a key, or "" where there is none.
func optional(c *i18n.Catalogue, key string) string {
	if !c.Has(key) {
		return ""
	}
	return c.T(key)
}

// Checked says when the register's data was last complete: "Checked 20
// November, 20:05." Where it never was, it says so.
func (v View) Checked() string {
	if v.AsOf.IsZero() {
		return v.Catalogue.T("as_of.never")
	}
	return v.Catalogue.T("as_of.checked", "at", v.near(v.AsOf))
}

// AsOfLine says since when an application has not changed and when that was
// last checked: "No change since 4 June. Checked 20 November, 20:05." A change
// that came after the last complete data is said to have.
func (v View) AsOfLine(a visa.Application) string {
	since, updated := a.Since(), a.UpdatedAt
	if updated.Before(since) {
		updated = since
	}
	if since.IsZero() {
		return v.Checked()
	}
	c := v.Catalogue
	switch {
	case v.AsOf.IsZero():
		return c.T("as_of.never_since", "since", v.near(updated))
	case updated.After(v.AsOf):
		return c.T("as_of.changed_after", "since", v.near(updated), "at", v.near(v.AsOf))
	case visa.DateOf(v.local(updated)) != visa.DateOf(v.local(since)):
		return c.T("as_of.same_stage", "since", v.near(since), "at", v.near(v.AsOf))
	default:
		return c.T("as_of.unchanged", "since", v.near(since), "at", v.near(v.AsOf))
	}
}

// Stale says that the answer is the last one known, since the data cannot be
// reached just now.
func (v View) Stale() string {
	if v.AsOf.IsZero() {
		return v.Catalogue.T("note.stale_undated")
	}
	return v.Catalogue.T("note.stale", "at", v.near(v.AsOf))
}

// Fault says what to do about something typed that is no reference.
func Fault(c *i18n.Catalogue, e visa.ReferenceError) string {
	key := "fault." + string(visa.FaultEmpty)
	switch e.Fault {
	case visa.FaultShort, visa.FaultLong:
		key = "fault." + string(e.Fault)
		if e.Min == e.Max && e.Min > 0 {
			key = "fault.exact"
			if e.Digits {
				key = "fault.exact_digits"
			}
		}
	case visa.FaultCharacter, visa.FaultPattern, visa.FaultCheck, visa.FaultSeveral:
		key = "fault." + string(e.Fault)
	}
	least, most := e.Min, e.Max
	if most == 0 {
		least, most = visa.MinReference, visa.MaxReference
	}
	return c.T(key, "n", e.N, "min", least, "max", most, "want", most)
}
