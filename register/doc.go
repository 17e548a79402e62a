// Package register reads exports of a register (CSV and JSON Lines, each also
// gzipped), turns their rows into updates through a mapping profile, and
// imports them.
//
// A file is read as a stream, in constant memory but for 40 bytes a row where
// versions are counted. It is looked at as a whole first: what is not usable
// changes nothing. After that each batch of rows stands or falls by itself, so
// that an import that was broken off is completed by running it again.
//
// The package knows no store: a Recorder takes the updates.
//
// Its limits: UTF-8 alone, a row of at most 1 MiB, at most 1,000 columns. An
// export that must be corrected (lost leading zeros, numbers in scientific
// notation) is refused with advice, never repaired by guessing.
package register
