# SPDX-License-Identifier: GPL-3.0-or-later
"""The data-loss statement (invariant 13): what, how many, whose, since when."""

from __future__ import annotations

from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import (
    NONE,
    SAMPLE,
    Counting,
    Write,
    Writes,
    statement,
)

TAKEN = "2026-11-22T01:00:00+00:00"


def write(reference: str, pid: int = 4711, user: str = "amy", time: str = "2026-11-22T09:00:00") -> Write:
    return Write("set", reference, pid, user, "host", time, 17)


def counted(*writes: Write, unknown: str = "") -> Writes:
    counting = Counting()
    for one in writes:
        counting.add(one)
    return counting.result(unknown)


def test_what_would_be_lost_is_counted_by_global_and_by_person() -> None:
    found = counted(
        write("^CASE(1)", time="2026-11-22T09:05:00"), write("^CASE(2)", time="2026-11-22T09:01:00"),
        write("^AUX", pid=8, user="", time="2026-11-22T09:09:00"),
    )
    assert found.total == 3
    assert found.globals == {"^CASE": 2, "^AUX": 1}
    assert found.by == {"amy (process 4711)": 2, "unknown (process 8)": 1}
    assert (found.first, found.last) == ("2026-11-22T09:01:00", "2026-11-22T09:09:00")
    assert statement(TAKEN, found) == (
        "a restore loses 3 writes from 2026-11-22T09:01:00 to 2026-11-22T09:09:00 (in ^CASE: 2, ^AUX: 1; by "
        "amy (process 4711): 2, unknown (process 8): 1; for example set ^CASE(1), set ^CASE(2), set ^AUX); "
        "the point is of 2026-11-22T01:00:00+00:00"
    )


def test_every_write_is_counted_and_few_are_shown() -> None:
    found = counted(*(write(f"^G{number}(1)", pid=number) for number in range(1000)))
    assert (found.total, len(found.rows), len(found.globals)) == (1000, SAMPLE, 1000)
    said = statement(TAKEN, found)
    assert "1000 writes" in said
    assert said.count("and 992 more") == 2
    assert len(said) < 1000


def test_a_long_reference_does_not_make_the_sentence_long() -> None:
    said = statement(TAKEN, counted(write('^CASE("' + "x" * 900 + '")')))
    assert len(said) < 400
    assert "..." in said


def test_unknown_is_never_nothing() -> None:
    found = counted(unknown="journaling was off")
    assert found.others is None
    assert "unknown (journaling was off)" in statement(TAKEN, found)
    assert "at least" not in statement(TAKEN, found)
    some = counted(write("^CASE(1)"), unknown="the second journal is missing")
    assert "1 write from" in statement(TAKEN, some)
    assert "at least" in statement(TAKEN, some)


def test_nothing_is_lost_says_why() -> None:
    assert NONE.others == ()
    assert statement(TAKEN, None) == f"nothing is lost: no dataset differs from the point of {TAKEN}"
    assert statement(TAKEN, NONE) == f"nothing is lost: only the release wrote since {TAKEN}"


def test_the_values_are_for_json() -> None:
    told = counted(write("^CASE(1)")).as_dict()
    assert told["known"]
    assert told["rows"][0]["reference"] == "^CASE(1)"
    assert (told["count"], told["first"], told["last"]) == (1, "2026-11-22T09:00:00", "2026-11-22T09:00:00")
