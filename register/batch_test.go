package register_test

import (
	"context"
	"errors"
	"testing"

	"kabarchy/register"
	"kabarchy/visa"
)

func TestEveryFileIsABatchThatEndsHoweverItFares(t *testing.T) {
	one := write(t, "1.csv", "listed_on,application_number,decision\n2026-11-19,11112222,Approved\n")
	two := write(t, "2.csv", "listed_on,application_number,decision\n2026-11-20,11112222,Refused\n")
	for _, tt := range []struct {
		name    string
		files   []string
		arrange func(o *register.Options, m *memory, cancel func())
		want    int
		err     error
	}{
		{"one file", []string{one}, nil, 1, nil},
		{"two files", []string{one, two}, nil, 2, nil},
		{"a file that breaks off", []string{"testdata/visa-decisions.csv"}, func(o *register.Options, m *memory, _ func()) {
			o.BatchSize, m.failAfter = 100, 2
		}, 1, errDisk},
		{"a file that is stopped", []string{"testdata/visa-decisions.csv"}, func(o *register.Options, _ *memory, cancel func()) {
			o.BatchSize, o.Progress = 10, func(_, _, rows int64) {
				if rows >= 50 {
					cancel()
				}
			}
		}, 1, context.Canceled},
		{"a dry run", []string{one}, func(o *register.Options, _ *memory, _ func()) { o.DryRun = true }, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			m := newMemory()
			o := options(delhi(t), tt.files...)
			if tt.arrange != nil {
				tt.arrange(&o, m, cancel)
			}
			if _, err := register.Import(ctx, o, m); !errors.Is(err, tt.err) {
				t.Fatal(err)
			}
			if len(m.open) != 0 || len(m.ended) != tt.want {
				t.Errorf("%d batches ended, %d did not; want %d", len(m.ended), len(m.open), tt.want)
			}
			seen := map[visa.Batch]bool{"": true}
			for _, b := range m.ended {
				if seen[b] {
					t.Errorf("a batch is called %q", b)
				}
				seen[b] = true
			}
		})
	}
}
