# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run concludes from its hosts: finished or not, which attempt, may users come back."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.plugin_utils import cycle_state, holder, reports

DONE: dict[str, Any] = {
    "change": "CHG1", "attempt": 1, "state": "closed", "verdict": "done", "bundle_digest": "b", "to_undo": 2,
    "closed_at": 10.0,
}


def states(*hosts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    names = [f"h{number}" for number in range(len(hosts))]
    hostvars = {name: {"gate_host": host} for name, host in zip(names, hosts, strict=True)}
    return cycle_state.states({"ansible_play_hosts_all": names, "hostvars": hostvars}, "CHG1")


def host(*receipts: dict[str, Any], drift: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"receipts": list(receipts), "drift": list(drift)}


def test_finished_means_done_everywhere_with_this_bundle_and_no_drift() -> None:
    assert cycle_state.finished(states(host(DONE), host(DONE)), "b")
    assert not cycle_state.finished(states(host(DONE), host()), "b")
    assert not cycle_state.finished(states(host(DONE)), "other bundle")
    assert not cycle_state.finished(states(host(DONE, drift=("war:cfis",))), "b")
    assert not cycle_state.finished({}, "b")


def test_a_change_that_another_superseded_is_not_finished() -> None:
    later = {**DONE, "change": "CHG2", "closed_at": 11.0}
    assert not cycle_state.finished(states(host(DONE, later)), "b")
    assert cycle_state.finished(states(host(DONE, {**later, "verdict": "rolled_back"})), "b")


def test_an_open_attempt_goes_on_and_a_closed_one_is_followed() -> None:
    assert cycle_state.attempt_for(states(host())) == 1
    assert cycle_state.attempt_for(states(host({**DONE, "state": "open", "verdict": None}))) == 1
    assert cycle_state.attempt_for(states(host({**DONE, "verdict": "rolled_back"}))) == 2


@pytest.mark.parametrize(
    "change, expected",
    [
        ({}, True),
        ({"verdict": "rolled_back", "to_undo": 0}, False),
        ({"verdict": "rolled_back", "to_undo": 1}, True),
        ({"verdict": None, "state": "open", "to_undo": 0}, True),
        ({"verdict": "not_started", "to_undo": 0}, False),
    ],
)
def test_what_a_rollback_has_to_do(change: dict[str, Any], expected: bool) -> None:
    assert cycle_state.to_go_back({"receipt": {**DONE, **change}}) is expected
    assert cycle_state.to_go_back({"receipt": None}) is False


def failing(phase: str, unreachable: bool = False, **more: Any) -> dict[str, Any]:
    failure = {"phase": phase, "task": "t", "message": "m", "unreachable": unreachable}
    return {"phase_failures": [failure], "gate_cycle": {"going_back": False}, **more}


def test_a_failure_after_the_release_is_verified_everywhere_takes_nothing_back() -> None:
    assert reports.any_failure({"a": failing("install")}, ["a"])
    assert not reports.any_failure({"a": failing("record"), "b": failing("close")}, ["a", "b"])
    assert not reports.any_failure({"a": {}}, ["a"])


@pytest.mark.parametrize(
    "one, expected",
    [
        ({}, True),
        (failing("deploy"), True),
        (failing("rollback"), False),
        (failing("rollback", unreachable=True), True),
        (failing("rollback", unreachable=True, install_result={"changed": True}), False),
        (failing("rollback", unreachable=True, gate_cycle={"going_back": True}), False),
    ],
)
def test_users_come_back_unless_a_changed_host_is_not_back(one: dict[str, Any], expected: bool) -> None:
    assert reports.may_reopen({"a": one, "b": {}}, ["a", "b"]) is expected


def test_what_a_failed_rollback_has_undone_is_told() -> None:
    """T2"""
    row = {"target": "war:cfis", "module": "websphere_app", "what": "CFIS002"}
    partly = {"failed": True, "error": {"undone": [row], "statements": ["read this"]}}
    told = reports.report({"rollback_result": partly}, "app1", "CHG1")
    assert (told.undone, told.notes) == (["war:cfis: CFIS002"], ["read this"])


def test_a_host_lost_in_the_middle_of_its_deployment_may_have_changed() -> None:
    lost = failing("deploy", unreachable=True)
    lost["phase_failures"] += failing("rollback", unreachable=True)["phase_failures"]
    assert not reports.may_reopen({"a": lost}, ["a"])


def test_a_host_that_an_earlier_run_has_changed_is_not_untouched() -> None:
    """The run that was cut off changed it; this one has found it right, and lost it on the way back."""
    receipt = {"change": "CHG1", "to_undo": 1}
    lost = {"phase_failures": failing("rollback", unreachable=True)["phase_failures"],
            "gate_cycle": {"change": "CHG1", "going_back": False}}
    assert reports.may_reopen({"a": lost}, ["a"])
    assert not reports.may_reopen({"a": {**lost, "gate_host": {"receipts": [receipt]}}}, ["a"])
    assert not reports.may_reopen({"a": {**lost, "deploy_configuration_result": {"changed": True}}}, ["a"])


def test_a_server_that_went_back_and_stays_out_of_its_proxies_keeps_nobody_out() -> None:
    assert reports.may_reopen({"a": failing("put_back")}, ["a"])


def test_this_run_lives_and_a_process_that_ended_is_proven_dead() -> None:
    """T5"""
    own = holder.this_run()
    assert not holder.is_dead(own)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        other = {**own, "pid": child.pid, "pid_started": holder.process_start(child.pid)}
        assert not holder.is_dead(other)
        child.communicate(b"\n")
    assert holder.is_dead(other)


def test_death_is_proven_by_a_reboot_but_never_from_another_controller() -> None:
    own = holder.this_run()
    assert holder.is_dead({**own, "boot_id": "another"})
    assert not holder.is_dead({**own, "controller": "elsewhere", "pid": 1, "pid_started": "0"})


def test_a_process_id_that_was_given_again_is_another_process() -> None:
    own = holder.this_run()
    assert holder.is_dead({**own, "pid": os.getpid(), "pid_started": "1"})


def in_force(*modules: str) -> dict[str, Any]:
    return host({**DONE, "in_force": {module: ["x"] for module in modules}})


@pytest.mark.parametrize(
    "hosts,expected",
    [
        ([in_force("websphere_app", "proxy_member"), in_force("static_content"), in_force()], False),
        ([in_force("websphere_config"), host()], False),
        ([in_force("websphere_app"), in_force("cache_package")], True),
        ([in_force("websphere_app"), {}], True),
    ],
)
def test_the_web_tier_alone_goes_back_without_an_outage(hosts: list[dict[str, Any]], expected: bool) -> None:
    assert cycle_state.needs_outage(states(*hosts)) is expected


def act(module: str, **more: Any) -> dict[str, Any]:
    return {"change": "CHG1", "module": module, "outcome": "done", "can_be_undone": False, "undone": False, **more}


@pytest.mark.parametrize(
    "acts, verified",
    [
        ([], False),
        ([act("verify"), act("cache_package", can_be_undone=True)], True),
        ([act("cache_package", can_be_undone=True), act("verify")], False),
        ([act("backup_set"), act("verify")], True),
        ([act("verify", outcome="failed")], False),
        ([act("verify", change="CHG0")], False),
    ],
)
def test_test_mode_is_entered_only_where_the_release_was_verified(acts: list[dict[str, Any]], verified: bool) -> None:
    assert cycle_state.unverified({"db1": {"acts": acts}}, "CHG1") == ([] if verified else ["db1"])
