// Package visa is the domain: what the register says of an application, when
// two of its statements agree, contradict or supersede each other, what of a
// change a follower is told, and when reminders of a deadline fall due.
//
// It imports the standard library alone and does no I/O. It is a read model:
// the register of record stays with the authorities, and nothing here decides
// anything about an application.
package visa
