# SPDX-License-Identifier: GPL-3.0-or-later
"""Invariant 16: edits and gaps in the audit log are found."""

from __future__ import annotations

from ansible_collections.relmgmt.release.plugins.module_utils._core import audit


def chain(*entries: str) -> list[tuple[int, str, str]]:
    rows, previous = [], audit.GENESIS
    for number, entry in enumerate(entries, 1):
        previous = audit.link(previous, entry)
        rows.append((number, entry, previous))
    return rows


def test_a_whole_chain_has_no_break() -> None:
    assert audit.first_break(chain("a", "b", "c")) is None


def test_an_edited_line_is_found() -> None:
    rows = chain("a", "b", "c")
    rows[1] = (2, "B", rows[1][2])
    assert audit.first_break(rows) == 2


def test_a_removed_line_is_found() -> None:
    rows = chain("a", "b", "c")
    assert audit.first_break([rows[0], rows[2]]) == 2


def test_a_value_has_one_spelling() -> None:
    assert audit.canonical({"b": 1, "a": [None, "é"]}) == '{"a":[null,"\\u00e9"],"b":1}'
