// Package profiles holds the mapping profiles that are shipped: what they say
// of a source is true of its files, and nothing else is.
package profiles

import "embed"

// FS holds the profiles as NAME.json.
//
//go:embed *.json
var FS embed.FS
