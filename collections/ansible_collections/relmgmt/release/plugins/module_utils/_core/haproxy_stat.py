# SPDX-License-Identifier: GPL-3.0-or-later
"""What HAProxy's stats socket answers to ``show stat`` and ``show servers state``."""

from __future__ import annotations

import csv
import io
from typing import Dict, Iterator, NamedTuple, Set

from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import (
    CLOSING,
    DRAINED,
    SERVING,
    Member,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import ProxyError

_TOTALS = ("FRONTEND", "BACKEND")
# Bits of srv_admin_state, whatever set them: the socket, the configuration, a tracked server, name resolution.
_MAINT, _DRAIN = 0x01 | 0x02 | 0x04 | 0x20 | 0x40, 0x08 | 0x10


class Server(NamedTuple):
    """A server of a backend; ``sessions``: requests under way there and queued for it."""

    member: Member
    sessions: int


def servers(answer: str, backend: str) -> Dict[str, Server]:
    """The servers of a backend by name; empty when there is no such backend. Raises ProxyError for another answer."""
    rows = [row for row in _rows(answer) if row["pxname"] == backend and row["svname"] not in _TOTALS]
    return {row["svname"]: Server(_member(row["status"]), _number(row["scur"]) + _number(row["qcur"])) for row in rows}


def being_closed(answer: str, backend: str) -> Set[str]:
    """The servers of a backend that were set to ``drain``, as ``show servers state`` tells them.

    Of one that is dead as well the statistics tell that alone.
    """
    lines = answer.splitlines()
    head = next((line[2:].split() for line in lines if line.startswith("# be_id ")), None)
    if head is None:
        raise _not_told(answer, "show servers state")
    rows = [dict(zip(head, line.split())) for line in lines if line[:1].isdigit() and " " in line]
    found = {row["srv_name"]: int(row["srv_admin_state"]) for row in rows if row["be_name"] == backend}
    return {name for name, bits in found.items() if bits & _DRAIN and not bits & _MAINT}


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
        raise _not_told(answer, "show stat")
    return csv.DictReader(io.StringIO(answer[2:]))


def _not_told(answer: str, command: str) -> ProxyError:
    return ProxyError(
        "HAProxy did not answer with its statistics: %r" % answer[:80].strip(), command,
        "give the socket the level admin in HAProxy's global section",
    )


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
