"""The tables of the history file and the statements on them.

`row` orders events as they were recorded and never repeats. An event and what waits for it are written in one
transaction, so an event that is known has been spooled as well, and may be handed in again without being sent
again.
"""

VERSION = 1
"""PRAGMA user_version of a file with these tables."""

CREATE = """
CREATE TABLE events (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    cluster TEXT NOT NULL,
    node TEXT NOT NULL,
    subject TEXT NOT NULL,
    old TEXT NOT NULL,
    new TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX events_at ON events (at);
CREATE TABLE spool (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    id TEXT NOT NULL,
    event TEXT NOT NULL,
    UNIQUE (channel, id)
) STRICT;
"""

CREATE_TOLD = """
CREATE TABLE IF NOT EXISTS told (
    channel TEXT NOT NULL,
    topic TEXT NOT NULL,
    subject TEXT NOT NULL,
    event TEXT NOT NULL,
    at REAL NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (channel, topic, subject)
) STRICT
"""
"""Came later: a program of version 1 that does not know this table leaves it alone."""

ADD_EVENT = """
INSERT INTO events (id, at, kind, severity, cluster, node, subject, old, new, reason)
VALUES (:id, :at, :kind, :severity, :cluster, :node, :subject, :old, :new, :reason)
ON CONFLICT (id) DO NOTHING
"""
OLDEST = """
SELECT row, id, at, kind, severity, cluster, node, subject, old, new, reason FROM events
WHERE at >= ? AND row > ? ORDER BY row LIMIT ?
"""
NEWEST = """
SELECT row, id, at, kind, severity, cluster, node, subject, old, new, reason FROM events
WHERE at >= ? AND row > ? ORDER BY row DESC LIMIT ?
"""
LAST_ROW = "SELECT coalesce(max(row), 0) FROM events"
START_ROW = "INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)"
DROP_OLD = "DELETE FROM events WHERE at < ? OR row <= (SELECT max(row) FROM events) - ?"

ADD_WAITING = "INSERT INTO spool (channel, id, event) VALUES (?, ?, ?) ON CONFLICT (channel, id) DO NOTHING"
WAITING = "SELECT event FROM spool WHERE channel = ? ORDER BY row LIMIT ?"
ALL_WAITING = "SELECT channel, id, event FROM spool ORDER BY row"
DONE = "DELETE FROM spool WHERE channel = ? AND id = ?"
CHANNELS = "SELECT DISTINCT channel FROM spool"
FORGET = "DELETE FROM spool WHERE channel = ?"
TRIM_SPOOL = "DELETE FROM spool WHERE row <= (SELECT max(row) FROM spool) - ?"

TOLD = "SELECT topic, subject, event, at, times FROM told WHERE channel = ?"
ALL_TOLD = "SELECT channel, topic, subject, event, at, times FROM told"
SET_TOLD = "INSERT OR REPLACE INTO told (channel, topic, subject, event, at, times) VALUES (?, ?, ?, ?, ?, ?)"
UNTOLD = "DELETE FROM told WHERE channel = ? AND topic = ? AND subject = ?"
TOLD_CHANNELS = "SELECT DISTINCT channel FROM told"
FORGET_TOLD = "DELETE FROM told WHERE channel = ?"
