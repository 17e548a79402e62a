-- +goose Up

-- Times are microseconds UTC, local dates YYYY-MM-DD (empty: not stated).

CREATE TABLE revision (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    value    BIGINT NOT NULL
);
INSERT INTO revision (only_row, value) VALUES (1, 0);

-- register_as_of, keys_changed, sender_epoch, pause_until
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- What is known of each reference: the register's last statement, and in
-- history how it came to it (see store/encode.go).
CREATE TABLE applications (
    reference    TEXT PRIMARY KEY,
    version      BIGINT NOT NULL,
    revision     BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    procedure    TEXT NOT NULL,
    campaign     TEXT NOT NULL,
    stage        TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    reason       TEXT NOT NULL,
    document     TEXT NOT NULL,
    valid_from   TEXT NOT NULL,
    valid_until  TEXT NOT NULL,
    deadlines    TEXT NOT NULL,
    submitted_on TEXT NOT NULL,
    history      TEXT NOT NULL,
    proof_key    TEXT NOT NULL,
    proof_mac    TEXT NOT NULL
);
CREATE INDEX applications_revision ON applications (revision);

-- Each delivery of the register that was complete.
CREATE TABLE feeds (
    id          INTEGER PRIMARY KEY,
    source      TEXT NOT NULL,
    origin      TEXT NOT NULL,
    as_of       BIGINT NOT NULL,
    complete    INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    finished_at BIGINT NOT NULL
);
CREATE INDEX feeds_source ON feeds (source, as_of);

CREATE TABLE api_keys (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    hash         TEXT NOT NULL UNIQUE,
    scopes       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL
);

-- A chat stands here by a keyed hash (to find it) and encrypted (to send).
CREATE TABLE chats (
    id          INTEGER PRIMARY KEY,
    hash        TEXT NOT NULL UNIQUE,
    sealed      TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    language    TEXT NOT NULL,
    chosen      INTEGER NOT NULL,
    active      INTEGER NOT NULL,
    forgotten   INTEGER NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE INDEX chats_forgotten ON chats (id) WHERE forgotten = 1;

CREATE TABLE subscriptions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    chat       BIGINT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    reference  TEXT NOT NULL,
    label      TEXT NOT NULL,
    left_at    BIGINT NOT NULL, -- when the chat wanted no more reminders of it; 0: it wants them
    created_at BIGINT NOT NULL,
    UNIQUE (reference, chat)
);
CREATE INDEX subscriptions_chat ON subscriptions (chat, id);

-- One row per (subscription, deadline): the next instant a reminder is due.
CREATE TABLE reminders (
    subscription BIGINT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL,
    date         TEXT NOT NULL,
    since        BIGINT NOT NULL,
    next_at      BIGINT NOT NULL,
    PRIMARY KEY (subscription, kind)
);
CREATE INDEX reminders_next ON reminders (next_at);

CREATE TABLE notifications (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    dedupe       TEXT NOT NULL UNIQUE,
    chat         BIGINT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    subscription BIGINT NOT NULL,
    reference    TEXT NOT NULL,
    lane         INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    note         TEXT NOT NULL,
    state        TEXT NOT NULL,
    not_before   BIGINT NOT NULL,
    use_until    BIGINT NOT NULL,
    attempts     INTEGER NOT NULL,
    ambiguous    INTEGER NOT NULL,
    plain        INTEGER NOT NULL,
    epoch        BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL,
    message_id   BIGINT NOT NULL,
    why          TEXT NOT NULL
);
CREATE INDEX notifications_due ON notifications (lane, not_before, id) WHERE state = 'pending';
CREATE INDEX notifications_stream ON notifications (reference, chat, id) WHERE ended_at = 0;
CREATE INDEX notifications_open ON notifications (chat, lane) WHERE ended_at = 0;
CREATE INDEX notifications_chat ON notifications (chat);
CREATE INDEX notifications_sending ON notifications (id) WHERE state = 'sending';
CREATE INDEX notifications_ended ON notifications (ended_at) WHERE ended_at > 0;

-- Written as started before the request, completed after it. One that has no
-- result once its sender is gone is ambiguous.
CREATE TABLE attempts (
    id           INTEGER PRIMARY KEY,
    notification BIGINT NOT NULL REFERENCES notifications (id) ON DELETE CASCADE,
    epoch        BIGINT NOT NULL,
    started_at   BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL,
    result       TEXT NOT NULL,
    code         INTEGER NOT NULL,
    reason       TEXT NOT NULL
);
CREATE INDEX attempts_notification ON attempts (notification);
CREATE INDEX attempts_open ON attempts (id) WHERE ended_at = 0;

-- Updates received from Telegram; the body goes once it is handled.
CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY,
    update_id   BIGINT NOT NULL UNIQUE,
    received_at BIGINT NOT NULL,
    body        TEXT NOT NULL,
    tries       INTEGER NOT NULL
);
CREATE INDEX inbox_waiting ON inbox (id) WHERE body <> '';

-- Random tokens that stand for a reference in a button (chat > 0) or a deep
-- link (chat = 0), by their SHA-256.
CREATE TABLE tokens (
    hash       TEXT PRIMARY KEY,
    chat       BIGINT NOT NULL,
    reference  TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX tokens_expiry ON tokens (expires_at);
CREATE INDEX tokens_chat ON tokens (chat);

-- +goose Down
DROP TABLE tokens;
DROP TABLE inbox;
DROP TABLE attempts;
DROP TABLE notifications;
DROP TABLE reminders;
DROP TABLE subscriptions;
DROP TABLE chats;
DROP TABLE api_keys;
DROP TABLE feeds;
DROP TABLE applications;
DROP TABLE settings;
DROP TABLE revision;
