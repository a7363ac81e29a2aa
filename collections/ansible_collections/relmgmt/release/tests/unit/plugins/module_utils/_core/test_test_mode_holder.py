# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds an environment in test mode, and whom that keeps out."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_holder import (
    FENCED,
    holders,
    judge_holders,
)

OPEN = [{"change": "CHG1", "state": "open"}]


def host(state: str, change: str = "CHG1") -> dict[str, Any]:
    return {"test_mode": {"state": state, "change": change, "person": "maria", "entered_at": 1.0}, "receipts": OPEN}


def test_a_host_whose_test_mode_is_over_holds_nobody() -> None:
    assert holders({"db1": host("off"), "app1": {"receipts": []}, "web1": {}}) == []


def test_a_fence_that_stands_alone_is_told_with_the_change_whose_cycle_is_open() -> None:
    [found] = holders({"db1": {"fence": {"since": 1.0}, "receipts": OPEN, "test_mode": None}})
    assert (found.change, found.state, found.since) == ("CHG1", FENCED, "1970-01-01 00:00:01Z")


@pytest.mark.parametrize("state", ["entering", "on", "leaving"])
@pytest.mark.parametrize("entering", [True, False])
def test_another_change_is_refused_naming_holder_time_and_way_out(state: str, entering: bool) -> None:
    [verdict] = judge_holders(holders({"db1": host(state)}), "CHG2", entering, "/var/lib/relmgmt")
    assert verdict.answer == "refuse"
    for said in ("db1", "CHG1", "maria", "1970-01-01"):
        assert said in verdict.reason
    assert "leave-test-mode.yml -e change=TICKET_OF_CHG1" in verdict.cure
    assert "/var/lib/relmgmt/bin/relmgmt-test-mode leave" in verdict.cure


@pytest.mark.parametrize(
    "state, entering, refused",
    [("entering", False, True), ("on", False, True), ("leaving", False, True),
     ("entering", True, False), ("on", True, False), ("leaving", True, True)],
)
def test_the_same_change_goes_on_only_into_test_mode(state: str, entering: bool, refused: bool) -> None:
    assert bool(judge_holders(holders({"db1": host(state)}), "CHG1", entering, "/s")) == refused


def test_a_fence_keeps_its_own_change_from_nothing_and_others_from_all() -> None:
    found = holders({"db1": {"fence": {"since": 1.0, "change": "CHG1"}, "receipts": []}})
    assert judge_holders(found, "CHG1", False, "/s") == []
    assert judge_holders(found, "CHG2", False, "/s")
