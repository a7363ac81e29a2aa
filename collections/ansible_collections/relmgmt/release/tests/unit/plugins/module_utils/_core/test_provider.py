# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rung of the ladder is taken, and how much room it needs."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.provider import (
    AUTO,
    COPY,
    LVM,
    NATIVE,
    ORDER,
    REFLINK,
    choose_provider,
    space_needed,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused

FREE = dict.fromkeys(ORDER, "")


@pytest.mark.parametrize("impossible,chosen", [
    ((), REFLINK), ((REFLINK,), NATIVE), ((REFLINK, NATIVE), LVM), ((REFLINK, NATIVE, LVM), COPY),
])
def test_auto_takes_the_first_that_is_possible(impossible: tuple[str, ...], chosen: str) -> None:
    assert choose_provider(AUTO, {**FREE, **dict.fromkeys(impossible, "not here")}, "instance A") == chosen


@pytest.mark.parametrize("wanted", ORDER)
def test_what_is_asked_for_is_taken_or_refused_with_its_reason(wanted: str) -> None:
    assert choose_provider(wanted, FREE, "instance A") == wanted
    with pytest.raises(Refused, match=f"provider {wanted} is impossible: not here") as caught:
        choose_provider(wanted, {**FREE, wanted: "not here"}, "instance A")
    assert caught.value.place == "instance A"


def test_no_way_at_all_names_every_obstacle() -> None:
    with pytest.raises(Refused) as caught:
        choose_provider(AUTO, {one: f"no {one}" for one in ORDER}, "instance A")
    assert all(f"no {one}" in caught.value.message for one in ORDER)


@pytest.mark.parametrize("provider,based,whole_first,needed", [
    (NATIVE, False, True, 1000), (REFLINK, False, True, 1000), (COPY, False, False, 1000),
    (NATIVE, True, True, 1250), (COPY, True, True, 1250), (COPY, True, False, 250), (REFLINK, True, True, 250),
])
def test_room_counts_copies_that_are_made_only_for_a_while(
    provider: str, based: bool, whole_first: bool, needed: int
) -> None:
    assert space_needed(provider, 1000, based, whole_first) == needed
