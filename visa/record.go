package visa

import "time"

// A Recorded is what became of one update of a batch.
type Recorded struct {
	Result   Result
	Version  int64 // the version of the update, or the one counted for it
	Revision int64 // of the change, for Applied; 0 otherwise
	New      bool  // the reference was not known before
	Told     int   // notifications written for followers
}

// A Feed is one delivery of updates, for the record: where it came from and
// what it amounted to.
type Feed struct {
	Source   string // profile name, or "api"; orders what is older by AsOf
	Origin   string // key name, or file name without its folder
	AsOf     time.Time
	Complete bool   // all that the register had to say as of AsOf
	Digest   string // of the file, to know it when it comes again; or empty
}
