# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done on this host, and how to undo it (SQLite of the standard library).

The rollback journal mode, not WAL: reading leaves no trace beside the file, so check mode
touches nothing; a commit costs 0.6 ms. Every write is one transaction that also adds a
line to the hash-chained audit log.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._core import audit
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir, make_dirs
from ansible_collections.relmgmt.release.plugins.module_utils._ledger_view import JSON_COLUMNS, MODE, SCHEMA, LedgerView


class Ledger(LedgerView):
    """The ledger of one host; one that is not there is created by the first write.

    ``readonly``: never creates or changes it. ``now``: seconds since 1970, the clock of the entries.
    """

    def __init__(
        self, path: str, readonly: bool = False, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(path)
        self.now = now
        self._act: int | None = None
        self._readonly = readonly
        self._writable = False

    def _make_writable(self) -> None:
        if self._writable:
            return
        if self._readonly:
            raise RuntimeError("this ledger was opened for reading only")
        self._base.close()
        self._base = self._open_for_writing()
        self._base.row_factory = sqlite3.Row
        self._writable = True

    def _open_for_writing(self) -> sqlite3.Connection:
        exists = os.path.exists(self.path)
        directory = os.path.dirname(os.path.abspath(self.path))
        make_dirs(directory, 0o750)
        try:
            base = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            base.execute("PRAGMA synchronous=EXTRA")
            if not exists:
                base.executescript("BEGIN IMMEDIATE;" + SCHEMA + "COMMIT;")
                os.chmod(self.path, 0o600)
                fsync_dir(directory)
            return base
        except sqlite3.Error as error:
            raise HostStateUnknown(
                f"the ledger cannot be opened: {error}", place=self.path,
                cure="free disk space, or check the owner and mode of the file",
            ) from error

    # -- writing ---------------------------------------------------------------------

    def set_host(self, **values: Any) -> None:
        """Record what the host is (environment, protected, sandbox)."""
        with self._transaction("host", values):
            for key, value in values.items():
                self._base.execute(
                    "INSERT INTO host VALUES (?,?) ON CONFLICT (key) DO UPDATE SET value=excluded.value",
                    (key, json.dumps(value)),
                )

    def take_lease(self, change: str, holder: dict[str, Any], number: int) -> None:
        """Write the lease row; deciding whether that is allowed is the caller's (_module/lease)."""
        entry = {"change": change, "holder": holder, "number": number}
        with self._transaction("lease taken", entry):
            self._base.execute(
                "INSERT OR REPLACE INTO lease VALUES (1,?,?,?,?,'held')",
                (number, change, json.dumps(holder), self.now()),
            )

    def free_lease(self, change: str) -> None:
        """Give the lease back if this change holds it."""
        with self._transaction("lease freed", {"change": change}):
            self._base.execute("UPDATE lease SET state='free' WHERE change=?", (change,))

    def add_receipt(self, **receipt: Any) -> None:
        """Record that a gate passed; columns as in the table ``receipt``."""
        values = {"passed_at": self.now(), "state": "open", **receipt}
        self._insert("receipt", "receipt", values)

    def renew_receipt(self, **receipt: Any) -> None:
        """The gate passed again for an attempt that is open: its terms are the new ones."""
        values = {"passed_at": self.now(), "state": "open", **receipt}
        self._insert("receipt", "receipt renewed", values, replace=True)

    def close_receipt(self, change: str, attempt: int, verdict: str) -> None:
        """End an attempt with its verdict: done, rolled_back, failed or not_started."""
        with self._transaction(
            "receipt closed", {"change": change, "attempt": attempt, "verdict": verdict}
        ):
            self._base.execute(
                "UPDATE receipt SET state='closed', verdict=?, closed_at=? WHERE change=? AND attempt=?",
                (verdict, self.now(), change, attempt),
            )

    def begin_act(self, **act: Any) -> int:
        """Record an intent and how to undo it, before the act; returns the act's number."""
        return self._insert("act", "act begun", {"started_at": self.now(), **act})

    def finish_act(self, number: int, outcome: str, detail: dict[str, Any]) -> None:
        """Record the outcome (done, failed) of an act."""
        entry = {"act": number, "outcome": outcome, "detail": detail}
        with self._transaction("act finished", entry):
            self._base.execute(
                "UPDATE act SET outcome=?, detail=?, finished_at=? WHERE id=?",
                (outcome, json.dumps(detail), self.now(), number),
            )

    def undo_act(self, number: int, detail: dict[str, Any]) -> None:
        """Record that an act was undone; what was current before it is current again."""
        with self._transaction("act undone", {"act": number, "detail": detail}):
            row = self._base.execute("SELECT previous FROM act WHERE id=?", (number,)).fetchone()
            for component, before in json.loads(row["previous"]).items():
                self._base.execute("DELETE FROM current WHERE component=?", (component,))
                if before is not None:
                    self._put("current", before)
            self._base.execute(
                "UPDATE act SET undone_at=?, undone=? WHERE id=?",
                (self.now(), json.dumps(detail), number),
            )

    def add_point(self, **point: Any) -> None:
        """Record a verified backup point; columns as in the table ``point``."""
        self._insert("point", "point", {"verified_at": self.now(), **point}, replace=True)

    def drop_point(self, path: str) -> None:
        """The backup set at this path is removed: no point is recorded there any more."""
        with self._transaction("point dropped", {"path": path}):
            self._base.execute("DELETE FROM point WHERE path=?", (path,))

    def set_current(
        self, component: str, release: str, digest: str, detail: dict[str, Any] | None = None
    ) -> None:
        """Say what is current now; the act under way remembers what was current before."""
        act = self._base.execute("SELECT * FROM act WHERE id=?", (self._act,)).fetchone()
        if act is None:
            raise RuntimeError("set_current belongs inside an act")
        before = self.current(component)
        row = {"component": component, "release": release, "digest": digest,
               "detail": detail or {}, "change": act["change"], "since": self.now()}
        previous = {component: before, **json.loads(act["previous"])}
        with self._transaction("current", {"component": component, "digest": digest}):
            self._put("current", row, replace=True)
            self._base.execute(
                "UPDATE act SET previous=? WHERE id=?", (json.dumps(previous), self._act)
            )

    def set_mode(self, name: str, document: dict[str, Any] | None) -> None:
        """Keep the document of this name, which holds no secret; None takes it away."""
        with self._transaction("mode", {"name": name, "document": document}):
            self._base.execute(MODE)
            self._base.execute("INSERT OR REPLACE INTO mode VALUES (?,?)", (name, json.dumps(document)))

    @contextmanager
    def within(self, act: int) -> Iterator[None]:
        """While this lasts, ``set_current`` belongs to the act of this number."""
        self._act = act
        try:
            yield
        finally:
            self._act = None

    # -- plumbing --------------------------------------------------------------------

    @contextmanager
    def _transaction(self, event: str, entry: dict[str, Any]) -> Iterator[None]:
        self._make_writable()
        try:
            self._base.execute("BEGIN IMMEDIATE")
            yield
            head = self.audit_head()
            line = audit.canonical({"at": self.now(), "event": event, **entry})
            self._base.execute(
                "INSERT INTO audit VALUES (?,?,?)",
                (head["number"] + 1, line, audit.link(head["chain"], line)),
            )
            self._base.execute("COMMIT")
        except BaseException as error:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise HostStateUnknown(
                    f"the ledger takes no entry: {error}", place=self.path,
                    cure="free disk space, or check the owner and mode of the file and its directory",
                ) from error
            raise

    def _insert(
        self, table: str, event: str, values: dict[str, Any], replace: bool = False
    ) -> int:
        with self._transaction(event, values):
            return self._put(table, values, replace)

    def _put(self, table: str, values: dict[str, Any], replace: bool = False) -> int:
        verb = "INSERT OR REPLACE" if replace else "INSERT"
        names = ",".join(values)
        marks = ",".join("?" * len(values))
        cells = [json.dumps(v) if k in JSON_COLUMNS else v for k, v in values.items()]
        # Names come from this file's callers, values are bound.
        cursor = self._base.execute(f"{verb} INTO {table} ({names}) VALUES ({marks})", cells)
        return int(cursor.lastrowid or 0)
