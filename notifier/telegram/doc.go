// Package telegram is the gateway to the Bot API: it sends messages, receives
// updates, and says of every failure what may be concluded from it. It is the
// only importer of telegram-bot-api, whose types and request encoding it uses
// and whose loops, time-outs, errors and logs it does not.
//
// What it promises: one call makes at most one request, so that nothing is
// sent twice behind the caller's back; every call ends within its time; an
// answer's body is bounded; after an answer 429 no method makes a request before
// the time it names; the bot's token stands in no error, log line or
// printed value; no name, user name, phone number, contact or place of a
// person leaves ParseUpdate.
//
// What it does not do: pace, retry or order messages (the pipeline does), or
// keep anything. It speaks HTTP/1.1, one request to a connection at a time, so
// that it can tell whether any byte of a failed request was written.
package telegram
