-- +goose Up

-- What a chat has chosen. Times as everywhere; 0: not muted, no heartbeat.
ALTER TABLE chats ADD COLUMN silent_nights INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chats ADD COLUMN discreet INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chats ADD COLUMN muted_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chats ADD COLUMN heartbeat_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX chats_heartbeat ON chats (heartbeat_at) WHERE heartbeat_at > 0;

-- The latest message handled of a chat, and when it was received: what is older
-- does not say any more whether the chat can be written to.
ALTER TABLE chats ADD COLUMN heard_update BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chats ADD COLUMN heard_at BIGINT NOT NULL DEFAULT 0;

-- A person's chat; 0: a group, to which no announcement goes. Of the chats known
-- before it is noted with their next message.
ALTER TABLE chats ADD COLUMN private INTEGER NOT NULL DEFAULT 1;

-- Something was not told because the chat could not be written to.
ALTER TABLE subscriptions ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;
-- The days, each with a space behind it, that were to be taken back then.
ALTER TABLE subscriptions ADD COLUMN missed_days TEXT NOT NULL DEFAULT '';

-- The import that news come from, as long as they may become one digest.
ALTER TABLE notifications ADD COLUMN batch TEXT NOT NULL DEFAULT '';
CREATE INDEX notifications_batch ON notifications (batch, chat) WHERE state = 'pending' AND batch <> '';

-- Whether an earlier one blocks a notification is seen in this index alone.
DROP INDEX notifications_stream;
CREATE INDEX notifications_stream ON notifications (reference, chat, id, lane) WHERE ended_at = 0;

-- Messages to many. They become notifications a few at a time, in the order of
-- chats; chats up to cursor have theirs.
CREATE TABLE announcements (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    request    TEXT NOT NULL UNIQUE, -- whoever asks for the same again gets this one
    texts      TEXT NOT NULL,        -- JSON, by language
    audience   TEXT NOT NULL,        -- JSON
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    state      TEXT NOT NULL,
    last_chat  BIGINT NOT NULL,      -- chats known when it was made
    cursor     BIGINT NOT NULL,
    total      BIGINT NOT NULL,
    written    BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);
CREATE INDEX announcements_open ON announcements (id) WHERE ended_at = 0;

-- What was erased after its time, so that the register's next file does not
-- bring it back: keyed hashes of the reference and of what was stated.
CREATE TABLE erased (
    hash       TEXT PRIMARY KEY,
    key_id     TEXT NOT NULL,
    version    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    statement  TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    erased_at  BIGINT NOT NULL
);
CREATE INDEX erased_revision ON erased (revision);

-- +goose Down
DROP TABLE erased;
DROP TABLE announcements;
DROP INDEX notifications_stream;
CREATE INDEX notifications_stream ON notifications (reference, chat, id) WHERE ended_at = 0;
DROP INDEX notifications_batch;
ALTER TABLE notifications DROP COLUMN batch;
ALTER TABLE subscriptions DROP COLUMN missed_days;
ALTER TABLE subscriptions DROP COLUMN missed;
DROP INDEX chats_heartbeat;
ALTER TABLE chats DROP COLUMN private;
ALTER TABLE chats DROP COLUMN heard_at;
ALTER TABLE chats DROP COLUMN heard_update;
ALTER TABLE chats DROP COLUMN heartbeat_at;
ALTER TABLE chats DROP COLUMN muted_until;
ALTER TABLE chats DROP COLUMN discreet;
ALTER TABLE chats DROP COLUMN silent_nights;
