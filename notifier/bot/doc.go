// Package bot is the conversation: it decides what a message to the bot
// changes and what is answered. It does no I/O of its own. What it changes and
// answers goes through a visa.Conversation, in whose transaction the message
// takes its effect; what the answers say is written by package message when
// they are sent.
//
// It promises that no answer repeats what was typed, that a group never learns
// a status, that one message has at most one answer, and that a chat over its
// budget of unknown references learns nothing of any that it does not follow.
package bot
