package failpoint

// Names are all points, in the order in which an update, a message and a
// conversation pass them. Each stands in the code once.
//
// A point that is called written is the last of its transaction's own work; the
// commit comes next. committed is behind the commit, before whoever asked for
// the transaction knows. What shares a transaction meets at the points of write.
var Names = []string{
	// Taking in a batch of updates.
	"record.begin",     // nothing is done
	"record.judged",    // what is new is known, in memory
	"record.upserted",  // the applications are written
	"record.written",   // their followers' notifications and reminders too
	"record.committed", // and nobody is acknowledged yet

	// The end of an import: what it has changed may be told now.
	"batch.begin",
	"batch.released", // some of it

	// The transaction that several share.
	"write.commit",    // before COMMIT
	"write.committed", // after it; caches, notifier and callers do not know

	// Choosing what is sent next.
	"claim.begin",
	"claim.taken",   // chosen, in memory
	"claim.sending", // set to sending, without an attempt
	"claim.written", // the attempts too
	"claim.committed",

	// Making one digest of an import's news; part of the claim's transaction.
	"digest.begin",
	"digest.superseded", // the news are, and the digest is not written

	// The request to Telegram.
	"send.begin",    // before it
	"send.written",  // the last byte of it is the kernel's
	"send.answered", // its answer is read

	// Recording what came of it.
	"finish.begin",
	"finish.attempt", // one attempt's result is written, not its notification's
	"finish.written",
	"finish.committed",

	// Taking over from a sender that is gone.
	"recover.begin",
	"recover.ambiguous", // its attempts are ambiguous, their notifications still being sent
	"recover.written",
	"recover.committed",

	// Receiving what people write, and answering.
	"inbox.written",
	"inbox.committed", // before Telegram is told by the offset
	"converse.begin",  // the update is marked as handled
	"converse.met",    // its chat is known
	"converse.written",
	"converse.committed",

	// A chat that cannot be written to for a while: part of the transaction that
	// finds out, either way.
	"absence.begun",   // the chat is inactive; what waits for it is not cancelled
	"absence.over",    // it is active again; what it missed is known
	"absence.cleared", // that it missed something is not known any more, nor written

	// Reminders and heartbeats.
	"due.begin",   // the reminders that are due are known
	"due.planned", // when they fall due next is written, they themselves are not
	"due.beats",   // the same of heartbeats
	"due.written",
	"due.committed",

	// Announcements: made, and written some chats at a time.
	"announce.made", // committed, and not acknowledged
	"announce.begin",
	"announce.moved",   // the cursor is, without the messages
	"announce.written", // these too, and not counted
	"announce.committed",
}
