package strictjson

import (
	"strings"
	"testing"
)

func TestObject(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"an object", `{"a":1,"b":[{"a":1},{"a":2}],"c":{"a":null}}`, ""},
		{"a name twice", `{"a":1,"a":2}`, "a stands twice"},
		{"a name twice within", `{"a":{"b":1,"b":1}}`, "a.b stands twice"},
		{"a name twice in an element", `{"a":[{"b":1,"b":1}]}`, "a.b stands twice"},
		{"the same name escaped", `{"a":1,"\u0061":1}`, "a stands twice"},
		{"nothing", ``, "ends too early"},
		{"half an object", `{"a":`, "ends too early"},
		{"two objects", `{} {}`, "something stands after its end"},
		{"an array", `[]`, "must be one JSON object"},
		{"too deep", strings.Repeat(`{"a":`, 10) + "1" + strings.Repeat("}", 10), "nested too deeply"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Object([]byte(tt.in))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Object says %v; want %q", err, tt.want)
			}
		})
	}
}
