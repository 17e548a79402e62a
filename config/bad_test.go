package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kabarchy/config"
)

// readBad opens the settings files of testdata/bad by their names alone, so
// that these are what errors show, and a few secret files.
func readBad(path string) ([]byte, error) {
	switch path {
	case "/run/secrets/token":
		return []byte("123456:planted\n"), nil
	case "/run/secrets/empty":
		return []byte(" \n"), nil
	}
	if strings.ContainsAny(path, "/:") {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return os.ReadFile(filepath.Join("testdata", "bad", path))
}

// Each file of testdata/bad breaks one rule, and says in its first line what
// is to be answered.
func TestABadFileIsRefusedInOneLine(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".conf"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(content), "\n")
			want := strings.TrimPrefix(first, "# ")
			_, err = config.Load(config.Flags{Config: &name}, nil, readBad)
			if err == nil || err.Error() != want {
				t.Errorf("Load = %v\nwant   %s", err, want)
			}
			if err != nil && strings.Contains(err.Error(), "planted") {
				t.Errorf("the error shows a secret")
			}
		})
	}
}

func TestEveryWrongSettingIsListed(t *testing.T) {
	_, err := config.Load(config.Flags{Pace: new("fast")},
		[]string{"KABARCHY_PROOF=maybe", "KABARCHY_CONFIG=s", "KABARCHY_LISTN=:1"},
		func(path string) ([]byte, error) {
			if path != "s" {
				return nil, errors.New("unexpected")
			}
			return []byte("MISS_LIMIT=100\nnonsense\n"), nil
		})
	want := []string{
		`KABARCHY_LISTN: no such setting; did you mean KABARCHY_LISTEN?`,
		`s:2: no = in this line; want NAME=value`,
		`PROOF="maybe" (environment KABARCHY_PROOF): want "none" or "required"`,
		`MISS_LIMIT="100" (s:1): want distinct unknown references an hour per client, 1 to 60`,
		`PACE="fast" (flag --pace): want messages a second, above 0 and at most 1000`,
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("Load = %v\nwant   %s", err, strings.Join(want, "\n"))
	}
}
