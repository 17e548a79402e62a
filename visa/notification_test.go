package visa_test

import (
	"encoding/json"
	"slices"
	"testing"

	"kabarchy/visa"
)

func TestDaysThatNoLongerHoldAreReadAsEveryVersionWroteThem(t *testing.T) {
	first, second := visa.NewDate(2025, 7, 5), visa.NewDate(2025, 7, 6)
	tests := []struct {
		name, text string
		want       []visa.Date
	}{
		{"none", `{}`, nil},
		{"the one of earlier versions", `{"date":"2025-07-05"}`, []visa.Date{first}},
		{"several", `{"dates":["2025-07-05","2025-07-06"]}`, []visa.Date{first, second}},
		{"both, of which one is the same", `{"date":"2025-07-06","dates":["2025-07-05","2025-07-06"]}`, []visa.Date{first, second}},
		{"both", `{"date":"2025-07-05","dates":["2025-07-06"]}`, []visa.Date{first, second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var note visa.Note
			if err := json.Unmarshal([]byte(tt.text), &note); err != nil || !slices.Equal(note.Corrected(), tt.want) {
				t.Errorf("of news %v, %v", note.Corrected(), err)
			}
			b, err := json.Marshal(note)
			var again visa.Note
			if err != nil || json.Unmarshal(b, &again) != nil || !slices.Equal(again.Corrected(), tt.want) {
				t.Errorf("written as %s, %v", b, err)
			}
			var item visa.NoteItem
			if err := json.Unmarshal([]byte(tt.text), &item); err != nil || !slices.Equal(item.Corrected(), tt.want) {
				t.Errorf("of a row %v, %v", item.Corrected(), err)
			}
		})
	}
}
