# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts, leases, acts and rollback on one host's ledger, without Ansible."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    EngineError,
    LeaseHeld,
    ReceiptMissing,
    Refused,
    RelmgmtError,
)
from ansible_collections.relmgmt.release.plugins.module_utils._module import cycle, going_back
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome, run

spec = importlib.util.spec_from_file_location("module_double", Path(__file__).with_name("module_double.py"))
assert spec is not None
assert spec.loader is not None
doubles = importlib.util.module_from_spec(spec)
spec.loader.exec_module(doubles)

PACKAGE = "d" * 64
HOLDER = {"user": "ops", "controller": "ctl", "boot_id": "b", "pid": 7, "pid_started": "1", "started": "now"}
OPEN: dict[str, Any] = {
    "change": "CHG1", "attempt": 1, "release": "CFIS002", "bundle_digest": "b1", "plan_digest": "p",
    "environment": "production", "packages": [PACKAGE], "report": [], "clock": "real",
    "expires": 4e9, "holder": HOLDER, "number": 0, "proven_dead": 0, "take_over": "",
    "protected": True, "sandbox": False,
}


@pytest.fixture
def host(tmp_path: Path) -> Callable[..., Host]:
    path = str(tmp_path / "state" / "ledger.db")

    def make(check_mode: bool = False, **params: Any) -> Host:
        return Host(doubles.ModuleDouble(check_mode, ledger=path, **params))

    return make


def enter(host: Callable[..., Host], **changes: Any) -> Outcome:
    return cycle.open_receipt(host(**{**OPEN, **changes}))


def change(host: Callable[..., Host], target: str = "war:cfis", kind: str = "nothing", **params: Any) -> Host:
    """Do something under the change: an act whose undo recipe is of the given kind."""
    one = host(**{"change": "CHG1", "lease": 1, **params})
    one.guard([PACKAGE])
    with one.act("websphere_app", target, {}, {"kind": kind, "n": target}):
        one.ledger.set_current(target, "CFIS002", "d2")
    return one


def test_a_change_without_a_gate_is_refused_and_leaves_nothing(host: Callable[..., Host]) -> None:
    one = host(change="CHG1", lease=1)
    with pytest.raises(ReceiptMissing, match="no gate has passed"):
        one.guard([PACKAGE])
    assert not Path(one.ledger.path).exists()


def test_check_mode_needs_no_receipt(host: Callable[..., Host]) -> None:
    assert host(check_mode=True, change="CHG1").guard([PACKAGE]).attempt == 1


def test_a_passed_gate_permits_its_packages_only(host: Callable[..., Host]) -> None:
    assert enter(host).record["number"] == 1
    assert host(change="CHG1", lease=1).guard([PACKAGE]).release == "CFIS002"
    with pytest.raises(Refused, match="not in the approved bundle"):
        host(change="CHG1", lease=1).guard(["e" * 64])


def test_check_mode_writes_no_receipt(host: Callable[..., Host]) -> None:
    one = host(check_mode=True, **OPEN)
    cycle.open_receipt(one)
    assert not Path(one.ledger.path).exists()


def test_a_host_never_becomes_less_protected(host: Callable[..., Host]) -> None:
    enter(host)
    with pytest.raises(Refused, match="protected=True"):
        enter(host, protected=False)
    with pytest.raises(Refused, match="sandbox=False"):
        enter(host, sandbox=True)
    with pytest.raises(Refused, match="belongs to environment production"):
        enter(host, environment="sandbox")


def test_an_injected_clock_is_refused_outside_a_sandbox(host: Callable[..., Host]) -> None:
    with pytest.raises(Refused, match="sandbox"):
        enter(host, clock="injected")


def test_the_same_run_enters_twice_unchanged(host: Callable[..., Host]) -> None:
    assert enter(host).changed
    again = enter(host)
    assert (again.changed, again.record["number"], again.record["resumed"]) == (False, 1, True)


def test_a_live_holder_is_named(host: Callable[..., Host]) -> None:
    enter(host)
    with pytest.raises(LeaseHeld, match=r"held by CHG1 .*ops on ctl, process 7"):
        enter(host, change="CHG2", holder={**HOLDER, "pid": 8})


def test_a_dead_holder_of_an_unfinished_change_blocks_another_but_not_itself(
    host: Callable[..., Host],
) -> None:
    enter(host)
    change(host, kind="war")
    other = {**HOLDER, "pid": 8}
    with pytest.raises(LeaseHeld, match=r"CHG1 is not finished"):
        enter(host, change="CHG2", holder=other, proven_dead=1)
    assert enter(host, holder=other, proven_dead=1).record["number"] == 2


def test_an_abandoned_attempt_that_changed_nothing_is_closed(host: Callable[..., Host]) -> None:
    enter(host)
    enter(host, change="CHG2", holder={**HOLDER, "pid": 8}, proven_dead=1)
    receipt = host().ledger.receipt("CHG1")
    assert receipt is not None
    assert receipt["verdict"] == "not_started"


def test_a_stale_run_is_refused(host: Callable[..., Host]) -> None:
    enter(host)
    enter(host, holder={**HOLDER, "pid": 8}, proven_dead=1)
    with pytest.raises(Refused, match=r"not the current one"):
        host(change="CHG1", lease=1).guard([PACKAGE])


def test_an_act_that_fails_says_so(host: Callable[..., Host]) -> None:
    """Invariant 10"""
    enter(host)
    one = host(change="CHG1", lease=1)

    def fail() -> None:
        with one.act("m", "t", {"a": 1}, {}) as act:
            act.note(seen=1)
            raise EngineError("no", "here", "try")

    with pytest.raises(EngineError):
        fail()
    row = one.ledger.acts("CHG1")[0]
    assert row["outcome"] == "failed"
    assert row["detail"]["seen"] == 1
    assert "no [here]. Cure: try" in row["detail"]["error"]


def test_a_cycle_is_done_only_when_verified_since_its_newest_act(host: Callable[..., Host]) -> None:
    enter(host)
    done = {"change": "CHG1", "lease": 1, "verdict": "done", "state": "closed"}
    with pytest.raises(Refused, match="not verified"):
        cycle.close(host(**done))
    assert cycle.verified(host(change="CHG1", lease=1)).changed
    assert not cycle.verified(host(change="CHG1", lease=1)).changed
    change(host, kind="war")
    with pytest.raises(Refused, match="not verified"):
        cycle.close(host(**done))
    cycle.verified(host(change="CHG1", lease=1))
    assert cycle.close(host(**done)).changed
    assert not cycle.close(host(**done)).changed
    with pytest.raises(Refused, match="closed"):
        host(change="CHG1", lease=1).guard([PACKAGE])


def back(host: Callable[..., Host], check_mode: bool = False, **params: Any) -> Outcome:
    given = {"change": "CHG1", "lease": 1, "lose_writes_confirmed_by": "", "leave": [], "in_use": False, **params}
    return going_back.go_back(host(check_mode=check_mode, **given))


@pytest.fixture
def undone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    order: list[str] = []

    def handler(recipe: dict[str, Any], _context: Any) -> dict[str, Any]:
        if recipe["n"] == "bad" and "mended" not in order:
            raise EngineError("no")
        order.append(recipe["n"])
        return {}

    monkeypatch.setitem(going_back.UNDO, "war", handler)
    return order


def test_rollback_goes_newest_first_and_only_once(host: Callable[..., Host], undone: list[str]) -> None:
    enter(host)
    for target in ("first", "second", "third"):
        change(host, target, "war")
    assert back(host, check_mode=True).changed
    assert undone == []
    assert back(host).changed
    assert undone == ["third", "second", "first"]
    assert host().ledger.currents() == []
    assert not back(host).changed
    assert len(undone) == 3


def test_one_failure_does_not_keep_the_others_from_going_back(
    host: Callable[..., Host], undone: list[str]
) -> None:
    """T2: a failed rollback is told, and it can be run again."""
    enter(host)
    for target in ("first", "bad", "third"):
        change(host, target, "war")
    with pytest.raises(RelmgmtError, match="bad: no") as caught:
        back(host)
    assert [row["target"] for row in caught.value.detail["undone"]] == ["third", "first"]
    assert undone == ["third", "first"]
    undone.append("mended")
    assert back(host).changed
    assert undone[-1] == "bad"


def test_what_needs_an_older_acts_undo_is_tried_again_after_it(
    host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older application that runs with the older configuration alone."""
    order: list[str] = []

    def handler(recipe: dict[str, Any], _context: Any) -> dict[str, Any]:
        if recipe["n"] == "war" and "configuration" not in order:
            raise EngineError("did not start")
        order.append(recipe["n"])
        return {}

    monkeypatch.setitem(going_back.UNDO, "war", handler)
    enter(host)
    for target in ("configuration", "war"):
        change(host, target, "war")
    assert back(host).changed
    assert order == ["configuration", "war"]


@pytest.mark.parametrize("kind,order", [("war", ["first"]), ("configuration", [])])
def test_an_undo_that_fails_is_never_carried_out_over_an_older_one(
    host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch, kind: str, order: list[str]
) -> None:
    """Of a WAR the oldest act's undo brings all back; of a configuration the older one waits. Also in a later run."""
    done: list[str] = []

    def handler(recipe: dict[str, Any], _context: Any) -> dict[str, Any]:
        if recipe["n"] == "second" and not done:
            raise EngineError("no")
        done.append(recipe["n"])
        return {}

    monkeypatch.setitem(going_back.UNDO, kind, handler)
    enter(host)
    ledger = host(change="CHG1", lease=1).ledger
    for name in ("first", "second"):
        ledger.begin_act(change="CHG1", attempt=1, release="R", phase="", module="m", target="same", intent={},
                         undo={"kind": kind, "n": name})
    if kind == "war":
        assert back(host).changed
        assert not back(host).changed
    else:
        with pytest.raises(RelmgmtError, match=r"same: no; same: it waits"):
            back(host)
    assert done == order


def test_an_error_that_nobody_foresaw_does_not_keep_the_others_from_going_back(
    host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(recipe: dict[str, Any], _context: Any) -> dict[str, Any]:
        if recipe["n"] == "bad":
            raise ValueError("damaged")
        return {}

    monkeypatch.setitem(going_back.UNDO, "war", handler)
    enter(host)
    for target in ("first", "bad"):
        change(host, target, "war")
    with pytest.raises(RelmgmtError, match="bad: unexpected ValueError: damaged") as caught:
        back(host)
    assert [row["target"] for row in caught.value.detail["undone"]] == ["first"]


def test_an_act_without_an_outcome_is_undone_too(host: Callable[..., Host], undone: list[str]) -> None:
    enter(host)
    host(change="CHG1", lease=1).ledger.begin_act(
        change="CHG1", attempt=1, release="R", phase="", module="m", target="cut off", intent={},
        undo={"kind": "war", "n": "cut off"},
    )
    back(host)
    assert undone == ["cut off"]


def test_rollback_needs_neither_receipt_in_force_nor_bundle(host: Callable[..., Host], undone: list[str]) -> None:
    """Invariant 14"""
    enter(host, expires=1.0)
    with pytest.raises(Refused, match="expired"):
        host(change="CHG1", lease=1).guard()
    one = host(change="CHG1", lease=1)
    one.ledger.begin_act(change="CHG1", attempt=1, release="R", phase="", module="m", target="t",
                         intent={}, undo={"kind": "war", "n": "t"})
    assert back(host).changed
    assert undone == ["t"]


def test_a_newer_change_goes_back_first(host: Callable[..., Host], undone: list[str]) -> None:
    enter(host)
    change(host, "one", "war")
    cycle.verified(host(change="CHG1", lease=1))
    cycle.close(host(change="CHG1", lease=1, verdict="done"))
    enter(host, change="CHG2")
    change(host, "two", "war", change="CHG2", lease=2)
    with pytest.raises(Refused, match="CHG2 was carried out on this host after CHG1"):
        back(host, lease=2)
    assert undone == []


def test_run_turns_errors_into_a_failed_result() -> None:
    def work(_host: Host) -> Outcome:
        raise EngineError("it broke", "here", "mend it", rows=3)

    with pytest.raises(doubles.Exit) as caught:
        run(doubles.ModuleDouble(ledger="/nonexistent/x"), work)
    assert caught.value.failed
    assert caught.value.result["msg"] == "it broke [here]. Cure: mend it"
    assert caught.value.result["error"]["kind"] == "EngineError"
    assert caught.value.result["error"]["rows"] == 3


def test_run_shows_the_diff() -> None:
    with pytest.raises(doubles.Exit) as caught:
        run(doubles.ModuleDouble(ledger="/nonexistent/x"), lambda _h: Outcome(True, {"k": 1}, "a", "b", "m"))
    assert caught.value.result == {"k": 1, "changed": True, "msg": "m", "diff": {"before": "a", "after": "b"}}


# -- test mode ---------------------------------------------------------------------------------------

TEST_MODE = {"change": "CHG1", "attempt": 1, "state": "on", "person": "maria.lopez", "entered_at": 1.0}


@pytest.fixture
def tested(host: Callable[..., Host]) -> Callable[..., Host]:
    """A host that CHG1 holds in test mode."""
    enter(host)
    host().ledger.set_mode("test_mode", TEST_MODE)
    return host


def test_in_test_mode_a_change_is_refused_and_going_back_is_not(tested: Callable[..., Host]) -> None:
    one = tested(change="CHG1", lease=1)
    with pytest.raises(Refused, match=r"in test mode \(on\) for CHG1, entered by maria.lopez"):
        one.guard([PACKAGE])
    with pytest.raises(Refused, match="in test mode"):
        one.guard(going_back=True, in_test_mode=False)
    assert one.guard(going_back=True).attempt == 1
    assert one.guard(in_test_mode=True).attempt == 1


def test_in_test_mode_no_other_change_passes_its_gate(tested: Callable[..., Host]) -> None:
    with pytest.raises(Refused, match="for CHG1, not CHG9"):
        enter(tested, change="CHG9", take_over="anna: she must")
    lease = tested(change="CHG9", holder=HOLDER, number=0, proven_dead=1, take_over="", going_back=False)
    with pytest.raises(Refused, match="for CHG1, not CHG9"):
        cycle.take_lease(lease)
    assert enter(tested).record["resumed"] is True


@pytest.mark.parametrize("verdict", ["done", "rolled_back"])
def test_in_test_mode_the_cycle_is_not_closed(tested: Callable[..., Host], verdict: str) -> None:
    with pytest.raises(Refused, match=f"cannot be closed as {verdict}: this host is in test mode"):
        cycle.close(tested(change="CHG1", lease=1, verdict=verdict))


def test_after_test_mode_everything_goes_on(tested: Callable[..., Host]) -> None:
    tested().ledger.set_mode("test_mode", {**TEST_MODE, "state": "off"})
    assert tested(change="CHG1", lease=1).guard([PACKAGE]).attempt == 1
