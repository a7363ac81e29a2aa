# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way brings a dataset back soonest (A8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.restore_plan import (
    CLONE,
    COPY,
    DELTA,
    Rates,
    choose,
)

MIB = 1 << 20
SSD = Rates(1000 * MIB, 50_000)
SAN = Rates(500 * MIB, 10_000)
DISK = Rates(150 * MIB, 120)
TOTAL = 524_288


@pytest.mark.parametrize("rates, share, clone, space, way", [
    (SSD, 0.05, False, True, DELTA),
    (SAN, 0.05, False, True, DELTA),
    (DISK, 0.0005, False, True, DELTA),
    # 26 214 seeks three times over are eleven minutes; the whole file takes one
    (DISK, 0.05, False, True, COPY),
    (DISK, 0.05, False, False, DELTA),
    (DISK, 0.05, True, True, CLONE),
    (SSD, 0.05, True, True, DELTA),
    (SSD, 1.0, True, True, CLONE),
    # everything differs: rewriting in place moves as many bytes as a copy, and needs no space
    (SSD, 1.0, False, True, DELTA),
])
def test_the_way_follows_the_device_and_the_dirty_share(
    rates: Rates, share: float, clone: bool, space: bool, way: str
) -> None:
    chosen = choose(int(TOTAL * share), int(TOTAL * share), TOTAL, 8192, rates, clone, space)
    assert chosen.way == way
    assert chosen.seconds > 0
    assert "blocks differ" in chosen.reason


def test_nothing_to_do_is_a_delta() -> None:
    assert choose(0, 0, 0, 8192, SSD, True, True).way == DELTA
    assert choose(0, 0, TOTAL, 8192, SSD, True, True)[0::2] == (DELTA, 0.0)


rate = st.floats(1.0, 1e11)


def test_what_was_read_while_comparing_is_not_read_again() -> None:
    all_unread, all_read = (choose(1000, unread, TOTAL, 8192, SSD, False, False).seconds for unread in (1000, 0))
    assert all_read == pytest.approx(all_unread * 2 / 3, rel=0.01)


@given(
    st.integers(0, TOTAL), st.floats(0, 1), st.builds(Rates, rate, rate), st.booleans(), st.booleans(),
)
def test_another_way_than_the_delta_is_possible_and_faster(
    count: int, left: float, rates: Rates, clone: bool, space: bool
) -> None:
    unread = int(count * left)
    chosen = choose(count, unread, TOTAL, 8192, rates, clone, space)
    delta = choose(count, unread, TOTAL, 8192, rates, False, False)
    assert delta.way == DELTA
    assert chosen.seconds <= delta.seconds
    assert chosen.way in {DELTA, CLONE if clone else "", COPY if space else ""}
