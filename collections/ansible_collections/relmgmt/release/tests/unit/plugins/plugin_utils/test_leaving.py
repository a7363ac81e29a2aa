# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaving test mode wants to be told, and what the cycle is then."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.release import ticket_from
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_holder import Holder
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, Refused
from ansible_collections.relmgmt.release.plugins.plugin_utils import leaving

COMMON = {"change": "CHG1", "environment": "sandbox", "requested_by": "maria", "date": "2026-12-05"}
ON_DEMAND = ticket_from({**COMMON, "kind": "test_mode"})
RELEASE = ticket_from({**COMMON, "release": "CFIS002", "bundle": "b", "test_mode": True})
OPEN = {"state": "open", "bundle_digest": "a"}


def hosts(state: str, **more: Any) -> dict[str, dict[str, Any]]:
    mode = {"state": state, "change": "CHG1", **more} if state else None
    return {"db1": {"receipt": OPEN, "test_mode": mode}}


@pytest.mark.parametrize(
    "known, missing",
    [({}, "outcome"), ({"outcome": "fine"}, "no such outcome"), ({"outcome": "rejected"}, "nobody confirms"),
     ({"outcome": "signed_off", "confirmed_by": " "}, "nobody confirms")],
)
def test_who_and_how_are_asked_for_before_anything(known: dict[str, Any], missing: str) -> None:
    with pytest.raises(InvalidInput, match=missing) as caught:
        leaving.check_outcome(hosts("on"), RELEASE, known)
    assert caught.value.cure.startswith("add -e ")


@pytest.mark.parametrize("state", ["", "entering"])
def test_what_nobody_can_have_tested_cannot_be_signed_off(state: str) -> None:
    told = {"outcome": "signed_off", "confirmed_by": "ann"}
    with pytest.raises(Refused, match="never wholly in test mode"):
        leaving.check_outcome(hosts(state), RELEASE, told)
    leaving.check_outcome(hosts(state), RELEASE, {**told, "outcome": "rejected"})


def test_rejected_tests_are_not_signed_off_half_way() -> None:
    told = {"outcome": "signed_off", "confirmed_by": "ann"}
    with pytest.raises(Refused, match="were rejected"):
        leaving.check_outcome(hosts("leaving", outcome="rejected"), RELEASE, told)
    leaving.check_outcome(hosts("leaving", outcome="signed_off"), RELEASE, told)


@pytest.mark.parametrize(
    "ticket, outcome, point, back",
    [(RELEASE, "signed_off", "installed", False), (RELEASE, "rejected", "before", True),
     (ON_DEMAND, "signed_off", "before", False), (ON_DEMAND, "rejected", "before", True)],
)
def test_the_point_that_is_restored(ticket: Any, outcome: str, point: str, back: bool) -> None:
    cycle = leaving.of_leaving(hosts("on"), ticket, "/nowhere", {"outcome": outcome, "confirmed_by": "ann"})
    assert (cycle["point"], cycle["going_back"], cycle["leaving"]) == (point, back, True)


def test_a_rollback_asks_who_rejects_only_where_testers_work() -> None:
    holder = Holder("db1", "CHG1", "on", "maria", "")
    with pytest.raises(InvalidInput, match="rejects the tests"):
        leaving.check_going_back([holder], "CHG1", {})
    leaving.check_going_back([holder], "CHG1", {"confirmed_by": "ann"})
    leaving.check_going_back([holder._replace(state="entering")], "CHG1", {})
    leaving.check_going_back([], "CHG1", {})


def test_entering_on_demand_takes_one_point_and_a_release_the_installed_one() -> None:
    found = leaving.of_entry(ON_DEMAND, [{"name": "CATS"}], {"point_max_age": 60}, {"entered_by": "ann"})
    assert (found["point"], found["point_max_age"], found["person"]) == ("before", 60, "ann")
    assert leaving.of_entry(RELEASE, None, {}, {})["point"] == "installed"
    without = leaving.of_entry(RELEASE._replace(test_mode=False), [{"name": "CATS"}], {}, {})
    assert (without["test_mode"], without["interfaces"]) == (False, [])


def test_wrong_interfaces_in_the_inventory_keep_nothing_from_going_back() -> None:
    """Invariant 14."""
    holder = Holder("db1", "CHG1", "on", "maria", "")
    assert leaving.of_way_back(RELEASE, [holder], [{"name": "CATS"}], {})["interfaces"] == []
    assert leaving.of_way_back(RELEASE, [holder], None, {})["test_mode"] is True
    assert leaving.of_way_back(RELEASE, [], None, {})["test_mode"] is False
