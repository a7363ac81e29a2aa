# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has learned of its hosts, for the one screen at its end."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.plugin_utils.reports import (
    data_are_back,
    last_seen,
    may_reopen,
    report,
    restore_proofs,
)


def test_a_worker_that_lives_at_the_end_is_told() -> None:
    worker = {"module": "restore", "change": "CHG1", "progress": {
        "what": "rewriting A.DAT", "done": 1 << 30, "total": 4 << 30, "seconds": 3.0, "rate": 0, "left": None,
        "ended": [],
    }}
    state = {"receipts": [], "workers": [worker]}
    assert report({"conclude_state": state}, "db1", "CHG1").at_work == [
        "restore of CHG1, rewriting A.DAT: 1.00 GiB of 4.00 GiB"]
    assert report({"conclude_state": {"receipts": []}}, "db1", "CHG1").at_work == []


def test_where_nothing_was_to_be_done_what_the_gate_saw_still_holds() -> None:
    gate = {"receipts": [], "current": {"war:cfis": {"release": "CFIS001"}}}
    end = {"receipts": [], "current": {"war:cfis": {"release": "CFIS002"}}}
    assert last_seen({"gate_cycle": {"needed": False}, "gate_host": gate}) == gate
    assert last_seen({"gate_cycle": {"needed": True}, "gate_host": gate, "conclude_state": end}) == end
    assert last_seen({"gate_cycle": {"needed": True}, "gate_host": gate}) == {}, "who dropped out is not known"


def test_an_application_that_does_not_answer_is_told_though_nothing_differs() -> None:
    state = {"receipts": [], "notes": ["war:cfis is installed, but does not answer"]}
    assert report({"conclude_state": state}, "app1", "CHG1").notes == state["notes"]


ON = {"receipts": [], "test_mode": {"state": "on", "change": "CHG1", "entered_at": 1.0}}
OFF = {"receipts": [], "test_mode": {"state": "off", "change": "CHG1"}, "fence": None}


@pytest.mark.parametrize(
    "host, may",
    [
        ({"gate_host": ON}, False),
        ({"gate_host": ON, "fence_left": OFF}, True),
        ({"gate_host": ON, "fence_left": {"skipped": True}}, False),
        ({"gate_host": ON, "fence_left": {"failed": True}}, False),
        ({"gate_host": OFF, "fence_left": {**OFF, "fence": {"since": 1.0}}}, False),
        ({"gate_host": OFF}, True),
        ({"gate_host": OFF, "phase_failures": [{"phase": "leave_test_mode", "unreachable": False}]}, False),
    ],
)
def test_users_stay_out_while_a_host_is_in_test_mode_or_fenced(host: dict[str, Any], may: bool) -> None:
    """Invariant 1: what was seen last counts, not what was meant."""
    assert may_reopen({"db1": host, "app1": {"gate_host": OFF}}, ["db1", "app1"]) == may


def test_an_unreachable_host_in_test_mode_keeps_the_users_out() -> None:
    """Nor does anybody come back while it is not known what an unreachable one does."""
    away = {"phase_failures": [{"phase": "leave_test_mode", "unreachable": True}]}
    assert may_reopen({"app2": {**away, "gate_host": ON}}, ["app2"]) is False
    assert may_reopen({"app2": {**away, "gate_host": {}}}, ["app2"]) is False
    assert may_reopen({"app2": {**away, "gate_host": OFF, "fence_put_up": {"failed": True}}}, ["app2"]) is False
    assert may_reopen({"app2": {**away, "gate_host": OFF}}, ["app2"]) is True, "it was away before anything began"


PROOF = {"path": "/b/installed", "root_digest": "a", "at": 2.0}


@pytest.mark.parametrize(
    "databases, proofs",
    [
        ({"db1": {"restored": PROOF, "mode": "leaving"}}, [{**PROOF, "host": "db1"}]),
        ({"db1": {"restored": PROOF, "mode": "leaving"}, "db2": {"failed": True}}, []),
        ({"db1": {"restored": PROOF, "mode": "leaving"}, "db2": {}}, []),
        ({"db1": {"restored": PROOF, "mode": "leaving"}, "db2": {"restored": None, "mode": "off", "failed": False}},
         [{**PROOF, "host": "db1"}]),
    ],
)
def test_no_host_is_told_that_all_datasets_are_back_while_one_is_not(
    databases: dict[str, dict[str, Any]], proofs: list[dict[str, Any]]
) -> None:
    hostvars = {name: {"test_mode_result": result} for name, result in databases.items()}
    assert restore_proofs(hostvars, list(databases)) == proofs


@pytest.mark.parametrize(("phase", "back"), [("leave_test_mode", False), ("rollback", True)])
def test_one_database_that_fails_keeps_every_fence(phase: str, back: bool) -> None:
    failed = {"phase": phase, "task": "t", "message": "m", "unreachable": False}
    hostvars = {"db1": {}, "db2": {"phase_failures": [failed]}, "app1": {"phase_failures": [failed]}}
    assert data_are_back(hostvars, ["db1", "db2"]) is back
    assert data_are_back(hostvars, ["db1"]) is True
