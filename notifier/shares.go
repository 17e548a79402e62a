package notifier

import "kabarchy/visa"

// reserved is each lane's share of what is sent while all have work. What is
// left of the whole goes by rank: conversation, decision, reminder,
// announcement.
var reserved = map[visa.Lane]float64{
	visa.LaneConversation: 0.20,
	visa.LaneDecision:     0.30,
	visa.LaneReminder:     0.15,
	visa.LaneAnnouncement: 0.12,
}

// shares decides whose turn it is. A lane earns its reserved share of every
// message sent, keeps at most one message's worth, and pays it back for one of
// its own: as soon as its credit is whole, it goes before its rank.
type shares struct{ credit map[visa.Lane]float64 }

func newShares() *shares { return &shares{credit: make(map[visa.Lane]float64)} }

// turns says who may take how many of the next n: first the reserved shares,
// then the rest by rank.
func (s *shares) turns(n int) []visa.Turn {
	var all []visa.Turn
	for _, lane := range visa.Lanes {
		if q := int(s.credit[lane] + reserved[lane]*float64(n)); q > 0 {
			all = append(all, visa.Turn{Lane: lane, N: q})
		}
	}
	for _, lane := range visa.Lanes {
		all = append(all, visa.Turn{Lane: lane, N: n})
	}
	return all
}

func (s *shares) took(lane visa.Lane) {
	for _, l := range visa.Lanes {
		s.credit[l] = min(1, s.credit[l]+reserved[l])
	}
	s.credit[lane] = max(0, s.credit[lane]-1)
}
