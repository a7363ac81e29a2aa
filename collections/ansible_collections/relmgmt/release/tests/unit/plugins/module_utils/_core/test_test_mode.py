# SPDX-License-Identifier: GPL-3.0-or-later
"""Test mode as a state, and who is refused while it lasts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core import test_mode as core

DOCUMENT: dict[str, Any] = {
    "change": "CHG1", "state": "on", "person": "maria.lopez", "entered_at": 1.0, "interfaces": [1],
    "instance": {"a": 1}, "websphere": None, "ends_at": 0,
}


@pytest.mark.parametrize(("state", "is_refused"), [("entering", True), ("on", True), ("leaving", True), ("off", False)])
def test_while_it_lasts_others_are_refused(state: str, is_refused: bool) -> None:
    refused = core.refusal({**DOCUMENT, "state": state}, "CHG1", "/s", allowed=False)
    assert (refused is not None) == is_refused
    assert core.lasts({**DOCUMENT, "state": state}) == is_refused


def test_what_belongs_to_it_goes_on() -> None:
    assert core.refusal(DOCUMENT, "CHG1", "/s", allowed=True) is None
    assert core.refusal(None, "CHG1", "/s", allowed=False) is None


def test_the_refusal_names_change_person_time_and_the_way_out() -> None:
    refused = core.refusal(DOCUMENT, "CHG2", "/s", allowed=False)
    assert refused is not None
    assert refused.message == (
        "this host is in test mode (on) for CHG1, not CHG2, entered by maria.lopez at 1970-01-01 00:00:01Z")
    assert "playbooks/leave-test-mode.yml -e change=CHG1" in refused.cure
    assert "/s/bin/relmgmt-test-mode leave" in refused.cure


def test_what_is_shown_leaves_the_inventory_out() -> None:
    shown = core.shown(DOCUMENT)
    assert shown is not None
    assert set(DOCUMENT) - set(shown) == {"interfaces", "instance", "websphere"}
    assert core.shown(None) is None


def test_every_state_has_a_way_back() -> None:
    """Invariant 14"""
    assert all("production" in ways for ways in core.TRANSITIONS.values())
    assert {to for ways in core.TRANSITIONS.values() for to in ways.values()} <= set(core.TRANSITIONS)
