"""The disk: one SQLite database in WAL mode, every change a row, in the order in which it happened.

    changes(id, key, value, created, version, lease)   id = revision << 24 | place in its transaction;
                                                       value NULL is a deletion
    leases(id, seconds)                                those that have not ended
    facts(name, value)                                 format, cluster, member, opened, compacted

`commit` returns when the rows have been fsynced (synchronous=FULL), so a database that was cut anywhere opens with
whole transactions only: SQLite drops a WAL frame whose commit is not there. The lock is exclusive: a second process
is refused. Everything here blocks; one thread at a time may call, and the engine gives it one of its own.
"""

import logging
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from podling.storage import Event, KeyValue, StorageUnavailable
from store.errors import NoSpace
from store.mvcc import FIRST_REVISION, NEVER_COMPACTED

log = logging.getLogger(__name__)

FORMAT = 1
_PLACE_BITS = 24
_PLACES = (1 << _PLACE_BITS) - 1
_ROWS_AT_ONCE = 64

_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes(
    id INTEGER PRIMARY KEY, key BLOB NOT NULL, value BLOB, created INTEGER NOT NULL, version INTEGER NOT NULL,
    lease INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS leases(id INTEGER PRIMARY KEY, seconds INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


class Entry(NamedTuple):
    """What one request leaves on the disk. `granted` is (lease, seconds); `ended` a lease; `compacted` a revision."""

    events: Sequence[Event] = ()
    granted: tuple[int, int] | None = None
    ended: int | None = None
    compacted: int | None = None


class Size(NamedTuple):
    """Bytes: of the file, and of the pages in it that hold something."""

    allocated: int
    in_use: int


class Log:
    """`opened` counts how often the database has been opened, this time included."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        facts = dict(connection.execute("SELECT name, value FROM facts"))
        self.cluster: int = facts["cluster"]
        self.member: int = facts["member"]
        self.opened: int = facts["opened"]
        self.compacted: int = facts["compacted"]

    @classmethod
    def open(cls, path: Path) -> "Log":
        """Open or make the database; raises `StorageUnavailable` where another process has it or it is no database."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise StorageUnavailable(f"cannot open the store {path}: {error}") from error
        try:
            _prepare(connection)
            return cls(path, connection)
        except sqlite3.Error as error:
            connection.close()
            raise StorageUnavailable(f"cannot open the store {path}: {error}") from error

    def revision(self) -> int:
        """The newest revision: a compaction always leaves a row of it."""
        newest = self._connection.execute("SELECT max(id) FROM changes").fetchone()[0]
        return FIRST_REVISION if newest is None else newest >> _PLACE_BITS

    def states(self) -> Iterator[KeyValue]:
        """Every row, oldest first."""
        rows = self._connection.execute("SELECT id, key, value, created, version, lease FROM changes ORDER BY id")
        for place, key, value, created, version, lease in rows:
            yield KeyValue(key, value or b"", created, place >> _PLACE_BITS, version, lease)

    def leases(self) -> list[tuple[int, int]]:
        """(lease, seconds) of each lease that has not ended."""
        return self._connection.execute("SELECT id, seconds FROM leases").fetchall()

    def commit(self, entries: Sequence[Entry]) -> None:
        """All of them, in one transaction, fsynced; raises `NoSpace` and leaves no trace where the disk refuses.

        Every statement gives the interpreter lock away and may wait long to get it back from a busy event loop: so
        many rows go into one statement, and the usual commit is a single statement in a transaction of its own.
        """
        rows = [row for entry in entries for row in _rows(entry.events)]
        more = [entry for entry in entries if entry.granted or entry.ended is not None or entry.compacted is not None]
        try:
            if len(rows) <= _ROWS_AT_ONCE and not more:
                self._insert(rows)
                return
            self._connection.execute("BEGIN IMMEDIATE")
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                self._insert(rows[start : start + _ROWS_AT_ONCE])
            for entry in more:
                self._note(entry)
            self._connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._roll_back()
            raise NoSpace(str(error)) from error

    def _insert(self, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            places = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(rows))
            self._connection.execute(f"INSERT INTO changes VALUES {places}", list(chain.from_iterable(rows)))

    def _note(self, entry: Entry) -> None:
        if entry.granted:
            self._connection.execute("INSERT OR REPLACE INTO leases VALUES(?, ?)", entry.granted)
        if entry.ended is not None:
            self._connection.execute("DELETE FROM leases WHERE id = ?", (entry.ended,))
        if entry.compacted is not None:
            self._connection.execute("UPDATE facts SET value = ? WHERE name = 'compacted'", (entry.compacted,))

    def forget(self, states: Iterable[KeyValue]) -> None:
        """Delete overwritten states; those of deletions are left to `forget_deletions`."""
        spans = ((*_span(state.mod_revision), state.key) for state in states if state.version)
        self._delete("DELETE FROM changes WHERE id BETWEEN ? AND ? AND key = ? AND value IS NOT NULL", spans)

    def forget_deletions(self, before: int) -> None:
        """Delete the rows of deletions before a revision."""
        self._delete("DELETE FROM changes WHERE id < ? AND value IS NULL", [(before << _PLACE_BITS,)])

    def _delete(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(sql, rows)
            self._connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._roll_back()
            raise NoSpace(str(error)) from error

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                log.warning("store roll back failed path=%s error=%s", self.path, error)

    def size(self) -> Size:
        pages, free, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return Size(pages * size, (pages - free) * size)

    def copy_to(self, target: Path) -> None:
        """A whole, compact copy of the database as it is now."""
        try:
            self._connection.execute("VACUUM INTO ?", (str(target),))
        except sqlite3.Error as error:
            raise NoSpace(str(error)) from error

    def defragment(self) -> None:
        """Give freed pages back to the file system."""
        try:
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise NoSpace(str(error)) from error

    def close(self) -> None:
        self._connection.close()


def _prepare(connection: sqlite3.Connection) -> None:
    for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.executescript(_SCHEMA)
    facts = {
        "format": FORMAT,
        "cluster": secrets.randbits(62) | 1,
        "member": secrets.randbits(62) | 1,
        "opened": 0,
        "compacted": NEVER_COMPACTED,
    }
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT OR IGNORE INTO facts VALUES(?, ?)", facts.items())
    connection.execute("UPDATE facts SET value = value + 1 WHERE name = 'opened'")
    connection.execute("COMMIT")
    found = connection.execute("SELECT value FROM facts WHERE name = 'format'").fetchone()[0]
    if found != FORMAT:
        raise sqlite3.DatabaseError(f"format {found} is not {FORMAT}")


def _rows(events: Iterable[Event]) -> Iterator[tuple[object, ...]]:
    for place, (_, kv, _) in enumerate(events):
        value = kv.value if kv.version else None
        yield kv.mod_revision << _PLACE_BITS | place, kv.key, value, kv.create_revision, kv.version, kv.lease


def _span(revision: int) -> tuple[int, int]:
    return revision << _PLACE_BITS, revision << _PLACE_BITS | _PLACES
