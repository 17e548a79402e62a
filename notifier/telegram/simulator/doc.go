// Package simulator is a pretended Telegram: a Bot API server with a page to
// chat in, faults to script, and an oracle that knows what truly happened. The
// demonstration runs on it, and every test of the delivery pipeline.
//
// It speaks the Bot API at /bot<TOKEN>/<method>, as the real server does as far
// as a bot like ours can tell: the same shapes, descriptions and HTTP statuses,
// HTML parsed by the real server's rules, long polls that exclude each other and
// webhooks, which are pushed and pushed again. What a client is told and what
// took effect are two things: a request may be accepted and its answer lost, and
// only the oracle knows.
//
// # Limits of the pretence
//
//   - There is one bot; all tokens are its own.
//   - parse_mode is HTML or none; Markdown is refused as unsupported.
//   - Files have a name and a size, no content; getFile is not there.
//   - Webhooks may be http and on any port; updates are pushed one at a time, and
//     a method call in the webhook's answer is ignored.
//   - reply_parameters are accepted and ignored, and so are message effects,
//     topics and business connections.
//   - Links to hosts without a dot, such as localhost, are let through.
//   - Telegram's limits are not published; Limits are an approximation.
//   - Everything is in memory and gone at Close.
//
// # Scripting over HTTP
//
// Everything that the Go API does can be done from another process, under
// /simulator/api/. Bodies and answers are JSON. Unknown fields are refused.
// There is no authentication: listen on loopback. Errors are
// {"error":"…"} with 400 (a mistake in the request), 404 (no such chat, message
// or button), 409 (not possible in the chat's state) or 422.
//
// Chats and persons:
//
//	GET    chats                    {"chats":[Chat…]}
//	POST   chats                    {"id","type":"private|group|supergroup","first_name","last_name","username",
//	                                 "language_code","title","stranger":bool,"members":[User…],"creator_id"}
//	                                all optional; answers {"id":n}. A stranger has not written to the bot yet: 403.
//	GET    chats/{id}               the Chat with "conversation", "answers" (to pressed buttons) and "sent"
//	DELETE chats/{id}               from now on: chat not found
//	POST   chats/{id}/text          {"text"}
//	POST   chats/{id}/start         {"payload"}: sends /start, or /start PAYLOAD
//	POST   chats/{id}/press         {"button","message_id"}: button by its data, or else its text; without
//	                                message_id in the newest message that has it
//	POST   chats/{id}/media         {"kind":"photo|document|voice|contact|location|sticker","caption","name",
//	                                 "phone","emoji","seconds","latitude","longitude"}
//	POST   chats/{id}/edit          {"message_id","text"}
//	POST   chats/{id}/block         the person blocks the bot, or the group removes it
//	POST   chats/{id}/unblock
//	POST   chats/{id}/deactivate    the account is gone
//	POST   chats/{id}/migrate       {"to":n}, 0 for a new id: the group becomes a supergroup; answers {"id":n}
//
// The acts text, start, press, media, edit, block and unblock also take "from"
// (who of a group acts) and "update_id" (the update's number), and answer
// {"update_id","message_id","query_id"}.
//
// Evidence:
//
//	GET    state                    bot, counts, limits, webhook, outage, pending_updates, next_update_id, last_seq
//	GET    messages?after=SEQ&chat=ID&text=PART&n=N&wait=SECONDS
//	                                {"messages":[Message…],"complete":bool}: what the bot sent and edited, in the
//	                                order of acceptance; waits until there are N (1 if not given) that match
//	GET    requests?after=SEQ&method=NAME&chat=ID
//	                                {"requests":[Request…]}
//	GET    answers?query=ID&wait=SECONDS
//	                                {"answers":[CallbackAnswer]}: the answer to one pressed button
//	GET    pace                     PaceReport
//	GET    duplicates               {"duplicates":[Duplicate…]}
//	GET    updates?wait=SECONDS     {"pending":n}: updates not confirmed yet; waits for there to be none
//
// Updates:
//
//	POST   updates                  one raw update, queued as it stands
//	POST   updates/redeliver        {"update_id"}: the same update once more
//	POST   updates/next             {"update_id"}: the number of the next update
//
// Trouble:
//
//	GET    faults                   {"faults":[Fault with "number" and "hits"…]}
//	POST   faults                   {"kind","method","chat","skip","count","for_ms","probability","seed","accept",
//	                                 "delay_ms","retry_after","migrate_to","code","description"}: answers {"number":n}
//	DELETE faults                   all of them, and an outage
//	DELETE faults/{number}
//	POST   outage                   {"on":bool}
//	POST   limits                   {"mode":"judge|enforce|off","per_second","per_chat","per_chat_burst","group_per_minute"}
//	POST   tokens                   {"tokens":["…"]}, empty for any
//	POST   reset                    as if newly started
//
// The kinds of faults are the FaultKind constants.
package simulator
