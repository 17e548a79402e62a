// Package notifier brings notifications to Telegram: it claims what is due,
// renders it, paces it, sends it, and records what became of it.
//
// It promises at least once: a notification that was written is sent until it
// is accepted, superseded by a newer one of its chat and reference, cancelled
// by a rule, past its use, or given up with an alarm. It is sent twice only
// where an attempt was begun and no answer says what became of it; each such
// attempt is recorded as ambiguous. Exactly once cannot be had: Telegram takes
// no idempotency key, and a bot cannot list what it sent.
//
// One process at a time sends for a database. The others stand by.
package notifier
