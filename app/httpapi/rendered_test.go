package httpapi

import (
	"fmt"
	"testing"
)

func TestThePagesKeptAreBoundedAndThoseInUseStay(t *testing.T) {
	var c pageCache
	c.keep("in use", []byte("page"))
	for i := range 10 * pagesKept {
		c.keep(fmt.Sprint(i), []byte("other"))
		if i%100 == 0 && string(c.get("in use")) != "page" {
			t.Fatalf("the page in use is gone after %d others", i)
		}
	}
	if n := len(c.now) + len(c.old); n > 2*pagesKept {
		t.Errorf("%d pages are kept", n)
	}
	if c.get("0") != nil {
		t.Error("a page not asked for is kept for ever")
	}
}
