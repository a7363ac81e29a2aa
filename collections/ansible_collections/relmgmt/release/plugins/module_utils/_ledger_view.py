# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's ledger says: its schema, and reading it (SQLite of the standard library)."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._core import audit
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown

SCHEMA = """
CREATE TABLE IF NOT EXISTS host (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lease (
    id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL, change TEXT NOT NULL,
    holder TEXT NOT NULL, taken_at REAL NOT NULL, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS receipt (
    change TEXT NOT NULL, attempt INTEGER NOT NULL, release TEXT NOT NULL,
    bundle_digest TEXT NOT NULL, plan_digest TEXT NOT NULL, environment TEXT NOT NULL,
    packages TEXT NOT NULL, report TEXT NOT NULL, clock TEXT NOT NULL,
    passed_at REAL NOT NULL, expires REAL NOT NULL, state TEXT NOT NULL,
    verdict TEXT, closed_at REAL, PRIMARY KEY (change, attempt));
CREATE TABLE IF NOT EXISTS act (
    id INTEGER PRIMARY KEY, change TEXT NOT NULL, attempt INTEGER NOT NULL,
    release TEXT NOT NULL, phase TEXT NOT NULL, module TEXT NOT NULL, target TEXT NOT NULL,
    intent TEXT NOT NULL, undo TEXT NOT NULL, started_at REAL NOT NULL,
    outcome TEXT, detail TEXT, finished_at REAL, previous TEXT NOT NULL DEFAULT '{}',
    undone_at REAL, undone TEXT);
CREATE TABLE IF NOT EXISTS point (
    change TEXT NOT NULL, attempt INTEGER NOT NULL, instance TEXT NOT NULL, point TEXT NOT NULL,
    path TEXT NOT NULL, root_digest TEXT NOT NULL, taken_at REAL NOT NULL,
    verified_at REAL NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (change, attempt, instance, point));
CREATE TABLE IF NOT EXISTS current (
    component TEXT PRIMARY KEY, release TEXT NOT NULL, digest TEXT NOT NULL,
    detail TEXT NOT NULL, change TEXT NOT NULL, since REAL NOT NULL);
CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY, entry TEXT NOT NULL, chain TEXT NOT NULL);
"""
#: what the host is in at present; younger than the other tables, so an older file gets it by its first write
MODE = "CREATE TABLE IF NOT EXISTS mode (name TEXT PRIMARY KEY, document TEXT NOT NULL)"
SCHEMA += MODE + ";\n"
JSON_COLUMNS = {"intent", "undo", "detail", "previous", "undone", "holder", "packages", "report"}


class LedgerView:
    """The ledger of one host, looked at. ``path``: the SQLite file; one that is not there reads as an empty one."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._base = self._open_for_reading()
        self._base.row_factory = sqlite3.Row

    def _open_for_reading(self) -> sqlite3.Connection:
        if os.path.exists(self.path):
            self._settle()
            return sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30)
        base = sqlite3.connect(":memory:")
        base.executescript(SCHEMA)
        return base

    def _settle(self) -> None:
        """Take back what a writer that is gone (kill -9, power cut) left half written: nobody could read it."""
        if not os.path.exists(self.path + "-journal"):
            return
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=rw", uri=True, timeout=30)) as base:
                base.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise HostStateUnknown(
                f"the ledger was left in the middle of a write, which cannot be taken back: {error}", place=self.path,
                cure="make the file and its directory writable, as the user who owns it (become: true)",
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def host(self) -> dict[str, Any]:
        """What the host is: environment, protected, sandbox. Empty before the first receipt."""
        rows = self._base.execute("SELECT key, value FROM host")
        return {row["key"]: json.loads(row["value"]) for row in rows}

    def lease(self) -> dict[str, Any] | None:
        """The lease row: number, change, holder, taken_at, state (held or free)."""
        return self._one("SELECT * FROM lease")

    def receipt(self, change: str) -> dict[str, Any] | None:
        """The receipt of a change's newest attempt."""
        return self._one(
            "SELECT * FROM receipt WHERE change=? ORDER BY attempt DESC LIMIT 1", change
        )

    def receipts(self) -> list[dict[str, Any]]:
        """Every receipt, oldest first."""
        return self._all("SELECT * FROM receipt ORDER BY passed_at, attempt")

    def acts(self, change: str | None = None, attempt: int | None = None) -> list[dict[str, Any]]:
        """Acts, newest first."""
        return self._filtered("act", "ORDER BY id DESC", change=change, attempt=attempt)

    def points(
        self, change: str | None = None, instance: str | None = None
    ) -> list[dict[str, Any]]:
        """Verified backup points, newest first."""
        return self._filtered("point", "ORDER BY taken_at DESC", change=change, instance=instance)

    def current(self, component: str) -> dict[str, Any] | None:
        """What the ledger says is current: release, digest, detail, change, since."""
        return self._one("SELECT * FROM current WHERE component=?", component)

    def currents(self) -> list[dict[str, Any]]:
        """Every current component, by name."""
        return self._all("SELECT * FROM current ORDER BY component")

    def mode(self, name: str) -> dict[str, Any] | None:
        """The document of this name (``test_mode``, ``fence``); None if there never was one, or it was taken away."""
        if self._one("SELECT name FROM sqlite_master WHERE type='table' AND name='mode'") is None:
            return None
        row = self._base.execute("SELECT document FROM mode WHERE name=?", (name,)).fetchone()
        found = json.loads(row[0]) if row else None
        return dict(found) if found is not None else None

    def audit_head(self) -> dict[str, Any]:
        """Number and chain value of the newest audit line."""
        row = self._base.execute(
            "SELECT number, chain FROM audit ORDER BY number DESC LIMIT 1"
        ).fetchone()
        return {"number": row[0], "chain": row[1]} if row else {"number": 0, "chain": audit.GENESIS}

    def audit_break(self) -> int | None:
        """Number of the first audit line that does not follow from the one before it."""
        rows = self._base.execute("SELECT number, entry, chain FROM audit ORDER BY number")
        return audit.first_break(tuple(row) for row in rows)

    def _filtered(self, table: str, order: str, **where: Any) -> list[dict[str, Any]]:
        wanted = {key: value for key, value in where.items() if value is not None}
        clause = " AND ".join(f"{key}=?" for key in wanted) or "1"
        return self._all(f"SELECT * FROM {table} WHERE {clause} {order}", *wanted.values())  # noqa: S608

    def _all(self, query: str, *cells: Any) -> list[dict[str, Any]]:
        return [_row(row) for row in self._base.execute(query, cells)]

    def _one(self, query: str, *cells: Any) -> dict[str, Any] | None:
        rows = self._all(query, *cells)
        return rows[0] if rows else None


def _row(row: sqlite3.Row) -> dict[str, Any]:
    return {
        key: json.loads(row[key]) if key in JSON_COLUMNS and row[key] is not None else row[key]
        for key in row.keys()  # noqa: SIM118 - iterating a Row yields its values
    }
