# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash chain of the audit log (invariant 16)."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Iterable

GENESIS = "0" * 64


def canonical(value: Any) -> str:
    """One spelling per value: sorted keys, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON-able value's canonical spelling, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def link(previous: str, entry: str) -> str:
    """The chain value after an entry: SHA-256 over the value before it and the entry."""
    return hashlib.sha256(f"{previous}\n{entry}".encode()).hexdigest()


def first_break(rows: Iterable[tuple[int, str, str]]) -> int | None:
    """Sequence number of the first row (number, entry, chain) that was edited or follows a gap."""
    expected, previous = 1, GENESIS
    for number, entry, chain in rows:
        if number != expected or link(previous, entry) != chain:
            return expected
        expected, previous = expected + 1, chain
    return None
