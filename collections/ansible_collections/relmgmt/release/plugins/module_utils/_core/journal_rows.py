# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading GT.M journal extracts and journal headers (FACTS 5.10).

A row: ``05\\days,seconds\\transaction\\pid\\...\\^A(3)="3"``. A process announces itself with
a row 01 that carries node and user.
"""

from __future__ import annotations

import datetime
import re
from typing import NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import Write

PROCESS = "01"
WRITES = {"04": "kill", "05": "set", "10": "zkill", "13": "trigger"}
#: null, process end, end of file, transaction marks, trigger context, ... write nothing
SILENT = frozenset(["00", "02", "03", "06", "07", "08", "09", "11", "12", "14"])
REFERENCE_FIELD = 10
HOROLOG_ORIGIN = datetime.datetime(1840, 12, 31)
#: the node a restore writes and removes to prove that the dataset takes writes
PROOF_GLOBAL = "^%relmgmt"


class Header(NamedTuple):
    """A journal file's header. ``previous``: the file before it, "" for none."""

    file: str
    database: str
    previous: str
    begin: int
    end: int


def parse_header(text: str) -> Header | None:
    """The header that ``mupip journal -show=header`` printed, None if it printed none."""
    begin, end = _number("Begin Transaction", text), _number("End Transaction", text)
    file = _name("Journal file name", text)
    if begin is None or end is None or not file:
        return None
    return Header(
        file, _name("Database file name", text), _name("Prev journal file name", text), begin, end
    )


class Extract:
    """The rows of one extract file, fed line by line."""

    def __init__(self) -> None:
        self._processes: dict[str, tuple[str, str]] = {}

    def feed(self, line: str) -> Write | None:
        """The write that a row shows; None for a row that writes nothing."""
        fields = line.rstrip("\n").split("\\", REFERENCE_FIELD)
        code = fields[0]
        if code == PROCESS and len(fields) > 5:
            self._processes[fields[3]] = (fields[5], fields[4])
        if code in SILENT or code == PROCESS or not re.fullmatch(r"\d\d", code) or len(fields) < 4:
            return None
        user, node = self._processes.get(fields[3], ("", ""))
        what = fields[REFERENCE_FIELD] if len(fields) > REFERENCE_FIELD else ""
        # A code nobody knows counts as a write: a statement about lost data must not be short.
        return Write(
            WRITES.get(code, "code " + code), reference_of(what), int(fields[3]), user, node,
            horolog(fields[1]), int(fields[2]),
        )


def reference_of(node: str) -> str:
    """``^A("x=1")`` of ``^A("x=1")="value"``."""
    quoted = False
    for position, sign in enumerate(node):
        if sign == '"':
            quoted = not quoted
        elif sign == "=" and not quoted:
            return node[:position]
    return node


def is_proof(reference: str) -> bool:
    """Whether this is the node of a restore's own proof."""
    return reference == PROOF_GLOBAL or reference.startswith(PROOF_GLOBAL + "(")


def horolog(text: str) -> str:
    """``67896,5900`` as ISO 8601; the host's local time, as M keeps it."""
    days, seconds = (int(part) for part in text.split(",")[:2])
    return (HOROLOG_ORIGIN + datetime.timedelta(days=days, seconds=seconds)).isoformat()


def chain_gap(chain: list[Header], transaction: int) -> str:
    """Why journals, oldest first, do not show every write from a transaction on; "" if they do."""
    if not chain:
        return "there is no journal"
    if chain[0].begin > transaction:
        return f"the journals begin at transaction {chain[0].begin}, after {transaction}"
    for older, newer in zip(chain, chain[1:]):  # noqa: RUF007 (itertools.pairwise came with Python 3.10)
        if older.end != newer.begin:
            return f"between {older.file} and {newer.file} transactions {older.end} to {newer.begin} are missing"
    return ""


def _name(label: str, text: str) -> str:
    hit = re.search(rf"^ ?{label}[ \t]+(\S.*)$", text, re.MULTILINE)
    return hit.group(1).strip() if hit else ""


def _number(label: str, text: str) -> int | None:
    hit = re.search(rf"^ ?{label}\s+(\d+)", text, re.MULTILINE)
    return int(hit.group(1)) if hit else None
