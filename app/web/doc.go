// Package web renders the pages people read: where an application stands, the
// form that asks for its number, problems and help.
//
// A page is one document with its style inside and no script, in any language
// that has a catalogue, left to right or right to left. The style is allowed by
// its hash: send CSP as the Content-Security-Policy of every page.
//
// The package does no I/O and knows nothing of HTTP but the paths that its
// pages link to: /, /status (the form, by POST), /help, and the page's own path
// with ?lang=CODE for the other languages.
//
// No title holds a reference: titles end up in histories and tabs.
package web
