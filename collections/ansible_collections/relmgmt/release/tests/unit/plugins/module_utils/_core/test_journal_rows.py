# SPDX-License-Identifier: GPL-3.0-or-later
"""Journal extracts and headers of GT.M; the samples were printed by GT.M 7.0."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.journal_rows import (
    Extract,
    Header,
    Write,
    chain_gap,
    horolog,
    is_proof,
    parse_header,
    reference_of,
)

ROWS = r"""GDSJEX07
01\67896,5900\101\5732\vm\root\\0\\\
02\67896,5900\101\5732\0
01\67896,5901\101\5738\vm\maria\\0\\\
05\67896,5902\101\5738\0\0\0\0\0\0\^A("x\y=1")="a=b"
04\67896,5902\102\5738\0\0\0\0\0\0\^AUX(3)
10\67896,5902\103\5738\0\0\0\0\0\0\^A(4)
08\67896,5903\104\5738\0\24644522344449\0\0
05\67896,5903\104\5738\0\24644522344449\0\0\1\0\^A(102)="x\y"
09\67896,5903\104\5738\0\24644522344449\0\0\2\
03\67896,6031\106\6747\0\0
"""
HEADER = """
SHOW output for journal file /db/a.mjl
Journal file name       /db/a.mjl
Journal file label      GDSJNL28
Database file name      /db/a.dat
 Prev journal file name /db/a.mjl_2026326013820
 Next journal file name

 Before-image journal                      ENABLED
 Begin Transaction                             101 [0x0000000000000065]
 End Transaction                               104 [0x0000000000000068]
"""


def fed(text: str) -> list[Write]:
    extract = Extract()
    return [write for write in map(extract.feed, text.splitlines(keepends=True)) if write]


def test_writes_with_who_when_and_where() -> None:
    found = fed(ROWS)
    assert [(one.op, one.reference, one.transaction) for one in found] == [
        ("set", r'^A("x\y=1")', 101), ("kill", "^AUX(3)", 102), ("zkill", "^A(4)", 103), ("set", "^A(102)", 104),
    ]
    assert found[0] == Write("set", r'^A("x\y=1")', 5738, "maria", "vm", "2026-11-22T01:38:22", 101)


def test_a_row_of_an_unknown_kind_counts_as_a_write() -> None:
    assert [one.op for one in fed("77\\67896,5902\\102\\5738\\0\n")] == ["code 77"]


def test_a_writer_that_did_not_announce_itself_has_no_name() -> None:
    assert fed("04\\67896,1\\5\\9\\0\\0\\0\\0\\0\\0\\^A\n")[0].user == ""


@pytest.mark.parametrize("node,reference", [
    ('^A="1"', "^A"), ('^A(1)="="', "^A(1)"), ('^A("a=""b=",7)="x"', '^A("a=""b=",7)'), ("^A", "^A"),
])
def test_the_reference_ends_at_the_equals_sign_outside_quotes(node: str, reference: str) -> None:
    assert reference_of(node) == reference


def test_the_horolog_begins_in_1840() -> None:
    assert horolog("0,0") == "1840-12-31T00:00:00"
    assert horolog("67896,5900") == "2026-11-22T01:38:20"


def test_the_proof_of_a_restore_is_known() -> None:
    assert is_proof('^%relmgmt("proof")')
    assert is_proof("^%relmgmt")
    assert not is_proof("^%relmgmtx(1)")
    assert not is_proof("^CASE(1)")


def test_a_header() -> None:
    assert parse_header(HEADER) == Header("/db/a.mjl", "/db/a.dat", "/db/a.mjl_2026326013820", 101, 104)
    first = HEADER.replace("/db/a.mjl_2026326013820", "")
    assert parse_header(first) == Header("/db/a.mjl", "/db/a.dat", "", 101, 104)
    assert parse_header("%GTM-E-JNLOPNERR") is None


def journal(begin: int, end: int) -> Header:
    return Header(f"j{begin}", "a.dat", "", begin, end)


@pytest.mark.parametrize("chain,gap", [
    ([journal(101, 104)], ""),
    ([journal(90, 104)], ""),
    ([journal(1, 101), journal(101, 104)], ""),
    ([journal(102, 104)], "begin at transaction 102"),
    ([journal(1, 100), journal(102, 104)], "transactions 100 to 102 are missing"),
    ([], "no journal"),
])
def test_unknown_is_what_the_journals_do_not_cover(chain: list[Header], gap: str) -> None:
    said = chain_gap(chain, 101)
    assert (gap in said) if gap else not said
