package httpapi

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

func TestWhoTakesGzip(t *testing.T) {
	tests := []struct {
		field string
		want  bool
	}{
		{"gzip", true},
		{"gzip, deflate, br, zstd", true},
		{"deflate;q=1.0, GZIP;q=0.5", true},
		{"*", true},
		{"br;q=1, gzip;q=0.001", true},
		{"", false},
		{"identity", false},
		{"gzip;q=0", false},
		{"gzip; q=0.000", false},
		{"xgzip", false},
		{"br", false},
	}
	for _, tt := range tests {
		t.Run(tt.field, func(t *testing.T) {
			if got := acceptsGzip([]byte(tt.field)); got != tt.want {
				t.Errorf("%t; want %t", got, tt.want)
			}
		})
	}
}

func TestAPackedPageIsThePage(t *testing.T) {
	for _, page := range []string{"", "<p>a</p>", strings.Repeat("<li>one</li>", 1000)} {
		for range 2 { // with a packer made, and with one used before
			z, err := gzip.NewReader(bytes.NewReader(pack([]byte(page), gzip.BestSpeed)))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(z); err != nil || string(got) != page {
				t.Errorf("unpacked to %d bytes of %d, %v", len(got), len(page), err)
			}
		}
	}
}
