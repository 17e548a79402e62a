// Package i18n holds the words of the pages and the bot: one catalogue per
// language, plural forms, dates in words, and the texts of reasons.
//
// A language is a file of the folder catalogue, and nothing else: the file
// states the language's code, its name in itself, the direction it is written
// in, the native reviewer of its texts ("" if none), how it writes dates, and
// its messages. A new language is a new file; the tests say what it lacks.
//
// Messages are plain text. They hold no markup, so whoever puts them into a
// page or a message escapes them there. A message names what is put into it:
//
//	"{name}: {date:full} ({n} days left)"
//
// A placeholder with a style takes a time; the style is one of the catalogue's
// own, so that every sentence of every language can have the case it needs. A
// message with plural forms is an object with one text per CLDR category; the
// argument n chooses.
//
// Limits: plurals are of whole numbers, digits are 0 to 9 in every language,
// and nothing is sorted.
package i18n
