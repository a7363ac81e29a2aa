# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy's stats socket answers to ``show stat``."""

from __future__ import annotations

import csv
import io
from typing import Dict, Iterator, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import (
    CLOSING,
    DRAINED,
    SERVING,
    Member,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import ProxyError

_TOTALS = ("FRONTEND", "BACKEND")


class Server(NamedTuple):
    """A server of a backend; ``sessions``: requests under way there and queued for it."""

    member: Member
    sessions: int


def servers(answer: str, backend: str) -> Dict[str, Server]:
    """The servers of a backend by name; empty when there is no such backend. Raises ProxyError for another answer."""
    rows = [row for row in _rows(answer) if row["pxname"] == backend and row["svname"] not in _TOTALS]
    return {row["svname"]: Server(_member(row["status"]), _number(row["scur"]) + _number(row["qcur"])) for row in rows}


def has_cookie(answer: str, backend: str) -> bool:
    """Whether the backend keeps a session at its server by a cookie."""
    return any(
        row.get("cookie") for row in _rows(answer) if row["pxname"] == backend and row["svname"] == "BACKEND"
    )


def has_table(answer: str, backend: str) -> bool:
    """Whether ``show table`` names a stick table of the backend."""
    return any(line.startswith("# table: %s," % backend) for line in answer.splitlines())


def _rows(answer: str) -> Iterator[Dict[str, str]]:
    if not answer.startswith("# pxname,svname,"):
        raise ProxyError(
            "HAProxy did not answer with its statistics: %r" % answer[:80].strip(), "show stat",
            "give the socket the level admin in HAProxy's global section",
        )
    return csv.DictReader(io.StringIO(answer[2:]))


def _member(status: str) -> Member:
    """``MAINT (via a/b)``, ``DRAIN``, ``no check``, ``UP``, ``DOWN`` …

    ``UP 1/3`` is not healthy yet: HAProxy takes a server that comes back for alive until its first check.
    """
    word = status.split()[0] if status else ""
    if word == "MAINT":
        return Member(DRAINED)
    if word == "DRAIN":
        return Member(CLOSING)
    return Member(SERVING, healthy=status in ("UP", "no check"))


def _number(cell: str) -> int:
    return int(cell or 0)
