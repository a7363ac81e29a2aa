# SPDX-License-Identifier: GPL-3.0-or-later
"""How far long work has come: pure arithmetic on times that are handed in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.progress import (
    ENDED,
    STALLED,
    Line,
    Meter,
    amount,
    duration,
    ended_in_words,
    in_words,
    parse_line,
    reading,
)

MIB = 1 << 20


def test_rate_and_time_left_come_from_what_was_done() -> None:
    meter = Meter()
    meter.begin("copying CACHE.DAT", 100 * MIB, 50.0)
    for second in range(1, 11):
        meter.add(5 * MIB, 50.0 + second)
    seen = reading(meter.record(), 60.0)
    assert (seen["done"], seen["total"], seen["seconds"]) == (50 * MIB, 100 * MIB, 10.0)
    assert (seen["rate"], seen["left"]) == (5 * MIB, 10.0)
    assert in_words(seen) == "copying CACHE.DAT: 50.0 MiB of 100 MiB, 5.00 MiB/s, 10 s left"


def test_the_rate_is_that_of_the_last_seconds() -> None:
    meter = Meter()
    meter.begin("copying", 10_000, 0.0)
    for second in range(1, 101):
        meter.add(10 if second <= 50 else 90, float(second))
    assert reading(meter.record(), 100.0)["rate"] == 90


def test_work_that_stands_still_has_neither_rate_nor_time_left() -> None:
    meter = Meter()
    meter.begin("copying", 100, 0.0)
    meter.add(50, 5.0)
    seen = reading(meter.record(), 5.1 + STALLED)
    assert (seen["rate"], seen["left"]) == (0, None)
    assert in_words(seen) == "copying: 50 bytes of 100 bytes"


def test_an_unknown_total_shows_the_time() -> None:
    meter = Meter()
    meter.begin("mupip backup", 0, 10.0)
    seen = reading(meter.record(), 85.0)
    assert seen["left"] is None
    assert in_words(seen) == "mupip backup, 1 min 15 s"


def test_phases_before_are_told_and_bounded() -> None:
    meter = Meter()
    for number in range(ENDED + 3):
        meter.begin(f"phase {number}", 10, float(number))
        meter.add(10, number + 0.5)
    ended = reading(meter.record(), 100.0)["ended"]
    assert len(ended) == ENDED
    assert ended[-1] == {"what": f"phase {ENDED + 1}", "done": 10, "seconds": 1.0, "until": ENDED + 2.0}
    assert ended_in_words(ended[-1]) == f"phase {ENDED + 1}: 10 bytes, done in 1 s"
    assert ended_in_words({"what": "thaw", "done": 0, "seconds": 0.2}) == "thaw: done in 0 s"


def test_nothing_was_begun() -> None:
    assert reading({}, 1.0) == {}
    assert reading(Meter().record(), 1.0) == {}
    assert in_words({}) == "begins"


@given(st.lists(st.tuples(st.integers(0, 1 << 40), st.floats(0.001, 100.0)), max_size=80), st.integers(0, 1 << 50))
def test_a_record_stays_small_and_makes_sense(steps: list[tuple[int, float]], total: int) -> None:
    meter, now = Meter(), 0.0
    meter.begin("copying", total, now)
    for count, pause in steps:
        now += pause
        meter.add(count, now)
    record = json.loads(json.dumps(meter.record()))
    seen = reading(record, now)
    assert seen["done"] == sum(count for count, _seconds in steps)
    assert seen["rate"] >= 0
    assert seen["left"] is None or seen["left"] >= 0
    assert in_words(seen)


@pytest.mark.parametrize("count, text", [
    (0, "0 bytes"), (999, "999 bytes"), (1000, "0.98 KiB"), (1536, "1.50 KiB"), (15 * MIB, "15.0 MiB"),
    (4 << 30, "4.00 GiB"), (200 << 40, "200 TiB"), (5000 << 40, "5000 TiB"),
])
def test_amounts(count: int, text: str) -> None:
    assert amount(count) == text


@pytest.mark.parametrize("seconds, text", [
    (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"),
])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_line_is_read_back_as_it_was_written() -> None:
    line = Line("db1.example", "backup_set", "copying [x]: 1 of 2 bytes")
    assert parse_line(str(line)) == line
    for other in ("", "ok: [db1]", "[db1]", "TASK [Copy] ****", "[WARNING]: x", "[db 1] restore: x"):
        assert parse_line(other) is None
