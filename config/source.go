package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

const (
	prefix     = "KABARCHY_"
	fileSuffix = "_FILE"
)

// A given is a value and where it came from, in words.
type given struct {
	text   string
	source string
}

// A layer is one source's values by setting, NAME_FILE among them.
type layer map[string]given

// inputs are all sources, the strongest first, and what is wrong with the
// sources themselves: unknown names, an unreadable file.
type inputs struct {
	layers   []layer
	problems []error
}

func gather(flags Flags, environ []string, readFile func(string) ([]byte, error)) *inputs {
	in := &inputs{}
	fromFlags := layer{}
	given := flags.given()
	for _, s := range settings {
		if text, ok := given[s.flag()]; ok {
			fromFlags[s.name] = setBy(text, "flag --"+s.flag())
		}
	}
	fromEnviron, path := in.environment(environ)
	if text, ok := given["config"]; ok {
		path = setBy(text, "flag --config")
	}
	in.layers = []layer{fromFlags, fromEnviron, in.file(path, readFile)}
	return in
}

func setBy(text, source string) given { return given{text: text, source: source} }

// environment returns the settings in environ, and the settings file that it
// names. Of a variable given twice the first counts, as for os.Getenv.
func (in *inputs) environment(environ []string) (layer, given) {
	found := layer{}
	var path given
	for _, variable := range firsts(environ) {
		name, text, _ := strings.Cut(variable, "=")
		name = strings.TrimPrefix(name, prefix)
		v := setBy(text, "environment "+prefix+name)
		switch {
		case name == "CONFIG":
			path = v
		case known(name):
			found[name] = v
		case !fromKubernetes(name, text):
			in.problems = append(in.problems, fmt.Errorf("%s%s: no such setting; %s", prefix, name, suggest(prefix, name)))
		}
	}
	return found, path
}

// firsts returns Kabarchy's own variables of environ, each once, sorted.
func firsts(environ []string) []string {
	seen := map[string]bool{}
	var own []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, prefix) && !seen[name] {
			seen[name] = true
			own = append(own, variable)
		}
	}
	slices.Sort(own)
	return own
}

// file returns the settings in the file at path, if one is named.
func (in *inputs) file(path given, readFile func(string) ([]byte, error)) layer {
	if path.text == "" {
		return nil
	}
	content, err := readFile(path.text)
	if err != nil {
		in.problems = append(in.problems, fmt.Errorf("CONFIG=%q (%s): %s; want the path of a readable file", path.text, path.source, why(err)))
		return nil
	}
	found := layer{}
	for _, e := range parseFile(string(content)) {
		at := fmt.Sprintf("%s:%d", path.text, e.line)
		if e.problem != "" {
			in.problems = append(in.problems, fmt.Errorf("%s: %s", at, e.problem))
			continue
		}
		name := strings.TrimPrefix(e.name, prefix)
		if name == "CONFIG" {
			in.problems = append(in.problems, fmt.Errorf("%s: CONFIG: a settings file cannot name another", at))
		} else if !known(name) {
			in.problems = append(in.problems, fmt.Errorf("%s: %s: no such setting; %s", at, e.name, suggest("", name)))
		} else if first, twice := found[name]; twice {
			in.problems = append(in.problems, fmt.Errorf("%s: %s: given twice, first at %s", at, name, first.source))
		} else {
			found[name] = setBy(e.value, at)
		}
	}
	return found
}

// value returns what the strongest source says of s. On an error, which is a
// whole line, it still tells the source.
func (in *inputs) value(s setting, readFile func(string) ([]byte, error)) (given, error) {
	for _, l := range in.layers {
		v, direct := l[s.name]
		path, byFile := l[s.name+fileSuffix]
		switch {
		case direct && byFile:
			return setBy("", v.source), fmt.Errorf("%s (%s): given both by itself and as %s%s (%s); want one of them",
				s.name, v.source, s.name, fileSuffix, path.source)
		case direct:
			return v, nil
		case byFile:
			text, err := secretIn(path.text, readFile)
			if err != nil {
				return setBy("", path.source), fmt.Errorf("%s%s=%s (%s): %w; want the path of a readable file that holds %s",
					s.name, fileSuffix, showPath(path.text), path.source, err, s.want)
			}
			return setBy(text, path.source), nil
		}
	}
	return setBy(s.value, "default"), nil
}

// secretIn returns what the file at path holds, but for white space around it.
func secretIn(path string, readFile func(string) ([]byte, error)) (string, error) {
	content, err := readFile(path)
	if err != nil {
		return "", errors.New(why(err))
	}
	text := strings.TrimSpace(string(content))
	if text == "" {
		return "", errors.New("the file is empty")
	}
	return text, nil
}

// showPath shows what looks like a path: somebody may have given the secret
// itself where its file was to be named.
func showPath(text string) string {
	if text == "" || (text[0] == '/' || text[0] == '.') && !strings.ContainsAny(text, ":@") {
		return quoteForError(text)
	}
	return quoteForError(mask)
}

// known says whether name, without prefix, is a setting, or a setting's _FILE.
func known(name string) bool {
	return slices.ContainsFunc(settings, func(s setting) bool {
		return s.name == name || s.fileable() && s.name+fileSuffix == name
	})
}

// why is the reason that a file could not be read, without its path, which the
// line names already.
func why(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return "cannot be read"
}
