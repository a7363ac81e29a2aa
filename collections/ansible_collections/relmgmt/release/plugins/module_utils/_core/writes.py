# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes to the datasets since a point, as the journals of any engine show them (invariant 13)."""

from __future__ import annotations

from typing import Any, NamedTuple

#: how many writes are kept as examples; all of them are counted
SAMPLE = 200
#: how many names of each kind a sentence holds
NAMED = 8
EXAMPLES = 3
LENGTH = 80


class Write(NamedTuple):
    """One write that a journal shows. ``time``: local time of the host, ISO 8601 without zone.

    ``transaction``: its number or address in the journal; larger is later.
    """

    op: str
    reference: str
    pid: int
    user: str
    node: str
    time: str
    transaction: int


class Writer(NamedTuple):
    """A process whose writes are the release's. ``since``, ``until``: seconds since 1970.

    The times keep a user's process from hiding behind a process number that was used again.
    """

    pid: int
    since: float = 0.0
    until: float = float("inf")


class Writes(NamedTuple):
    """Writes since a point. ``unknown``: why nobody can tell, else "". ``total``: how many.

    ``rows``: the first 200. ``by``: how many, by "user (process number)". ``globals``: how
    many, by global name. ``first`` and ``last``: when, as ``Write.time``; "" if there is none.
    """

    unknown: str
    total: int
    rows: tuple[Write, ...]
    by: dict[str, int]
    globals: dict[str, int]
    first: str = ""
    last: str = ""

    @property
    def others(self) -> tuple[Write, ...] | None:
        """For ``going_back.choose_way``: None if unknown."""
        return None if self.unknown else self.rows

    def as_dict(self) -> dict[str, Any]:
        """JSON-able values."""
        return {
            "known": not self.unknown, "unknown": self.unknown, "count": self.total,
            "by": self.by, "globals": self.globals, "first": self.first, "last": self.last,
            "rows": [dict(row._asdict()) for row in self.rows],
        }


NONE = Writes("", 0, (), {}, {})


class Counting:
    """Collects writes into a ``Writes``; memory grows with names and processes, not with writes."""

    def __init__(self) -> None:
        self._total = 0
        self._rows: list[Write] = []
        self._by: dict[str, int] = {}
        self._globals: dict[str, int] = {}
        self._first = self._last = ""

    def add(self, write: Write) -> None:
        """One write that is lost."""
        who = f"{write.user or 'unknown'} (process {write.pid})"
        name = write.reference.split("(", 1)[0]
        self._total += 1
        self._by[who] = self._by.get(who, 0) + 1
        self._globals[name] = self._globals.get(name, 0) + 1
        self._first = min(self._first or write.time, write.time)
        self._last = max(self._last, write.time)
        if len(self._rows) < SAMPLE:
            self._rows.append(write)

    def result(self, unknown: str = "") -> Writes:
        """What was collected; ``unknown``: why it is not everything."""
        return Writes(
            unknown, self._total, tuple(self._rows), self._by, self._globals, self._first, self._last
        )


def statement(taken_at: str, writes: Writes | None) -> str:
    """The data-loss statement in a sentence. ``writes``: None if no dataset would be replaced."""
    if writes is None:
        return f"nothing is lost: no dataset differs from the point of {taken_at}"
    if writes.unknown:
        seen = f", {_seen(writes)} at least" if writes.total else ""
        return f"what was written since {taken_at} is unknown ({writes.unknown}){seen}; a restore loses it"
    if not writes.total:
        return f"nothing is lost: only the release wrote since {taken_at}"
    return f"a restore loses {_seen(writes)}; the point is of {taken_at}"


def _seen(writes: Writes) -> str:
    count = "1 write" if writes.total == 1 else f"{writes.total} writes"
    examples = ", ".join(f"{row.op} {_short(row.reference)}" for row in writes.rows[:EXAMPLES])
    return (
        f"{count} from {writes.first} to {writes.last} (in {_most(writes.globals)}; by {_most(writes.by)}; "
        f"for example {examples})"
    )


def _most(counts: dict[str, int]) -> str:
    """``^CASE: 12, ^AUX: 3 and 2 more``, the largest first."""
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    named = ", ".join(f"{name}: {count}" for name, count in ranked[:NAMED])
    more = len(ranked) - NAMED
    return named + (f" and {more} more" if more > 0 else "")


def _short(reference: str) -> str:
    return reference if len(reference) <= LENGTH else reference[:LENGTH] + "..."
