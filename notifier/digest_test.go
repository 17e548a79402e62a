package notifier_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"kabarchy/app"
	"kabarchy/visa"
)

// take records a version of references as one transaction of a batch, the way
// it comes through the service.
func (w *world) take(service *app.Service, batch visa.Batch, version int64, refs ...int) {
	w.t.Helper()
	var all []visa.Update
	for _, n := range refs {
		u := visa.Update{Reference: w.ref(n), Version: version, UpdatedAt: time.Now(), Statement: visa.Statement{
			Procedure: visa.ProcedureVisa, Stage: visa.StageInProcessing,
			Deadlines: []visa.Deadline{{Kind: visa.CollectBy, Date: visa.NewDate(2100, 1, 1).Add(int(version))}},
		}}
		u.Normalize()
		all = append(all, u)
	}
	if _, err := service.Record(context.Background(), "test", batch, all); err != nil {
		w.t.Fatal(err)
	}
}

// accepted returns the texts that a chat was sent, in their order.
func (w *world) accepted(chat int64) (all []string) {
	for _, c := range w.tg.got() {
		if c.chat == chat {
			all = append(all, c.text)
		}
	}
	return all
}

func TestAnImportIsOneMessageForWhoeverFollowsMuchAndNoWaitForTheOthers(t *testing.T) {
	s := usual
	s.text = func(d visa.Delivery) string {
		if d.Kind != visa.KindDigest {
			return fmt.Sprintf("%s of %s", d.Kind, d.Reference.String())
		}
		text := fmt.Sprintf("digest of %d", len(d.Items))
		for _, i := range d.Items {
			text += fmt.Sprintf(" v%d", i.Application.Version)
		}
		return text
	}
	t.Parallel()
	inWorldOf(t, s, 20, func(w *world) {
		service := app.New(app.Options{Store: w.store, Zone: zone})
		defer service.Close()
		many := []int{1, 2, 3, 4, 5, 6, 7, 8}
		w.take(service, "", 1, many...)
		w.follow(100, many...)
		w.follow(200, 1)
		w.wait(time.Minute)
		batch := visa.NewBatch()
		w.take(service, batch, 2, many[:4]...)
		w.wait(5 * time.Second)
		if got := w.accepted(200); !slices.Equal(got, []string{"<b>news of " + w.ref(1).String() + "</b>"}) {
			t.Errorf("whoever follows one application got %q while the import runs", got)
		}
		w.take(service, batch, 2, many[4:]...)
		if got := w.accepted(100); len(got) != 0 {
			t.Errorf("whoever follows many got %q while the import runs", got)
		}
		if err := service.EndBatch(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
		w.wait(2 * time.Second)
		want := []string{"<b>digest of 8 v2 v2 v2 v2 v2 v2 v2 v2</b>"}
		if got := w.accepted(100); !slices.Equal(got, want) {
			t.Errorf("whoever follows many got %q", got)
		}

		// The importer dies, and the sender is away when its news fall due.
		w.take(service, visa.NewBatch(), 3, many...)
		w.wait(110 * time.Second)
		if got := w.accepted(100); len(got) != 1 {
			t.Errorf("it got %q before the import's time was over", got)
		}
		w.halt()
		w.wait(5 * time.Minute)
		w.take(service, "", 4, 3)
		w.start(20)
		w.wait(time.Minute)
		got := w.accepted(100)[1:]
		slices.Sort(got)
		want = []string{"<b>digest of 7 v3 v3 v3 v3 v3 v3 v3</b>", "<b>news of " + w.ref(3).String() + "</b>"}
		if !slices.Equal(got, want) {
			t.Errorf("after the stop it got %q", got)
		}
	})
}
