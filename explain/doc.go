// Package explain says in a language what the register's codes and dates mean
// to the person they are about: the headline, the meaning, what to do and by
// when. Pages, bot and vocabulary all take their sentences from here, so that
// they never disagree.
//
// It gives no advice of its own. What it tells somebody to do is what the
// register's stage or deadline asks for; for the rest it names the authorities.
//
// All of it is plain text, to be escaped by whoever puts it into a page or a
// message, and pure: the day, the zone and the language are arguments.
package explain
