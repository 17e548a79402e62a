package cli

import (
	"fmt"
	"math/rand/v2"
	"time"

	"kabarchy/visa"
)

// A campaign is made up for the demonstration, in the likeness of a real one:
// some three thousand applications of three weeks, most of them still in
// process. The references are the same each time; the days end at a given one.
type campaign struct {
	name    string
	feed    time.Time // as of which the register tells it
	updates []visa.Update
	cases   []demoCase
}

// A demoCase is a reference worth trying.
type demoCase struct {
	reference visa.Reference
	shows     string
}

const (
	campaignSize = 3_120
	campaignSeed = 0x6b616261 // only so that it is the same each time
	campaignDays = 20
)

// newCampaign makes the campaign as the register tells it at an instant.
func newCampaign(now time.Time, zone *time.Location) campaign {
	rnd := rand.New(rand.NewPCG(campaignSeed, 1))
	refs := make([]visa.Reference, 0, campaignSize)
	seen := make(map[int]bool)
	for len(refs) < campaignSize {
		n := 20_000_000 + rnd.IntN(10_000_000)
		if r, err := visa.ParseReference(fmt.Sprint(n)); err == nil && !seen[n] {
			seen[n] = true
			refs = append(refs, r)
		}
	}
	today := visa.DateOf(now.In(zone))
	m := maker{rnd: rnd, zone: zone, first: today.Add(-campaignDays - 25), feed: lastEvening(now, zone)}
	m.name = fmt.Sprintf("legalization-%d", m.first.Time().Year())
	c := campaign{name: m.name, feed: m.feed}
	for i, r := range refs {
		c.updates = append(c.updates, m.application(r, i)...)
	}
	for i, shows := range []string{
		"an exit visa, in processing: the one to follow",
		"an exit visa, approved, with the day by which to leave",
		"returned for correction, with the day by which to correct it",
		"a single permit, approved",
		"refused",
	} {
		c.cases = append(c.cases, demoCase{refs[i], shows})
	}
	return c
}

// lastEvening is the latest 20:05 that has passed: registers export at night.
func lastEvening(now time.Time, zone *time.Location) time.Time {
	t := visa.DateOf(now.In(zone)).At(20, 5, zone)
	if t.After(now) {
		t = t.AddDate(0, 0, -1)
	}
	return t
}

// A maker makes one application after the other.
type maker struct {
	rnd   *rand.Rand
	zone  *time.Location
	name  string
	first visa.Date
	feed  time.Time
}

// A fate is how far an application has come.
type fate struct {
	procedure visa.Procedure
	stage     visa.Stage
	outcome   visa.Outcome
}

// fixed are the fates of the first applications, those of the demoCases.
var fixed = []fate{
	{visa.ProcedureExitVisa, visa.StageInProcessing, ""},
	{visa.ProcedureExitVisa, visa.StageDecided, visa.OutcomeApproved},
	{visa.ProcedureVisa, visa.StageCorrectionRequired, ""},
	{visa.ProcedureSinglePermit, visa.StageDecided, visa.OutcomeApproved},
	{visa.ProcedureVisa, visa.StageDecided, visa.OutcomeRefused},
}

func (m *maker) fate(i int) fate {
	if i < len(fixed) {
		return fixed[i]
	}
	f := fate{procedure: pick(m.rnd, []int{45, 30, 20, 5}, visa.Procedures)}
	f.stage = pick(m.rnd, []int{8, 64, 6, 20, 2}, visa.Stages)
	if f.stage == visa.StageDecided || f.stage == visa.StageClosed {
		f.outcome = pick(m.rnd, []int{84, 11, 2, 3}, visa.Outcomes)
	}
	return f
}

// pick returns one of all, with the given weights.
func pick[T any](rnd *rand.Rand, weights []int, all []T) T {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := rnd.IntN(sum)
	for i, w := range weights {
		if n < w {
			return all[i]
		}
		n -= w
	}
	return all[len(all)-1]
}

// office returns a time of a working hour some days after another.
func (m *maker) office(day visa.Date) time.Time {
	for wd := day.Time().Weekday(); wd == time.Saturday || wd == time.Sunday; wd = day.Time().Weekday() {
		day++
	}
	return day.At(9+m.rnd.IntN(9), m.rnd.IntN(60), m.zone)
}

// application returns the statements that brought an application to its fate.
func (m *maker) application(r visa.Reference, i int) []visa.Update {
	f := m.fate(i)
	filed := m.first.Add(m.rnd.IntN(campaignDays))
	at := m.office(filed)
	st := visa.Statement{Procedure: f.procedure, Campaign: m.name, Stage: visa.StageReceived, SubmittedOn: visa.DateOf(at)}
	var out []visa.Update
	say := func() {
		if at.After(m.feed) {
			at = m.feed
		}
		u := visa.Update{Reference: r, Version: int64(len(out) + 1), UpdatedAt: at, Statement: st}
		u.Normalize()
		out = append(out, u)
	}
	say()
	if f.stage == visa.StageReceived {
		return out
	}
	at = m.office(visa.DateOf(at).Add(1 + m.rnd.IntN(3)))
	st.Stage = visa.StageInProcessing
	say()
	if f.stage == visa.StageInProcessing {
		return out
	}
	at = m.office(visa.DateOf(at).Add(3 + m.rnd.IntN(20)))
	m.end(&st, f, visa.DateOf(at))
	say()
	return out
}

// end brings a statement to a fate on a day.
func (m *maker) end(st *visa.Statement, f fate, day visa.Date) {
	st.Stage, st.Outcome = f.stage, f.outcome
	switch {
	case f.stage == visa.StageCorrectionRequired:
		st.Reason = pick(m.rnd, []int{5, 3, 2}, []string{"documents_incomplete", "photo_unsuitable", "data_mismatch"})
		st.Deadlines = []visa.Deadline{{Kind: visa.CorrectBy, Date: day.AddMonth(), Calculated: true}}
	case f.outcome == visa.OutcomeRefused:
		st.Reason = "grounds_insufficient"
	case f.outcome == visa.OutcomeApproved && f.procedure == visa.ProcedureExitVisa:
		until := visa.DateOf(m.feed).Add(4 + m.rnd.IntN(14))
		st.Document = visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: day, ValidUntil: until}
		st.Deadlines = []visa.Deadline{{Kind: visa.LeaveBy, Date: until, Calculated: true}}
	case f.outcome == visa.OutcomeApproved:
		st.Document = visa.Document{Kind: visa.DocumentKind(f.procedure), ValidFrom: day, ValidUntil: day.Add(365)}
	}
}
