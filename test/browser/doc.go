// Package browser looks at the pages as people do: in Chromium, on a narrow
// screen, by keyboard alone, without scripts, in every language, with axe-core
// looking for barriers.
//
//	go test ./test/browser -matrix            every page, language, scheme and state
//	go test ./test/browser -shots docs/images the pictures of the README
package browser
